import type { TracingChannel } from 'node:diagnostics_channel'

import { backOff, type BackOff } from './back-off.ts'
import type { Batch } from './batch.ts'
import { untilAborted } from './bounded.ts'
import { type CacheCounts, Tally } from './cache-stats.ts'
import type { CallContext, SecretProvider, StoredSecret } from './contract.ts'
import { absence, type Absence, freshness, type Freshness, type Lifetimes } from './freshness.ts'
import { HeldSecret } from './held-secret.ts'
import { Lru } from './lru.ts'
import { isOutage, isWithdrawal } from './policy.ts'
import { SecretsError } from './secrets-error.ts'
import type { SharedLevel } from './shared-level.ts'
import type { Shredder } from './shredder.ts'
import { traced, type TraceMessage } from './tracing.ts'

/** `undefined`: the current one. */
export type VersionSelector = number | 'previous' | undefined

/**
 * How a read treats what is held. `fresh`: nothing that is held will do, and a lease is replaced. `volatile`
 * (`autoCleanup`): what was held or read is handed out and kept nowhere.
 */
export type ReadMode = 'cached' | 'fresh' | 'volatile'

export interface StoreRead {
  readonly path: string
  readonly version?: VersionSelector
  readonly mode: ReadMode
  readonly signal?: AbortSignal | undefined
  readonly batch?: Batch | undefined
}

export interface Found {
  /** Readable in this turn of the event loop; take from it what is needed before waiting for anything else. */
  readonly held: HeldSecret
  readonly from: 'memory' | 'shared' | 'store'
  readonly stale: boolean
}

interface Entry extends Freshness {
  readonly held: HeldSecret
  readonly path: string
  /** The flight that brought it; a flight that was begun earlier never replaces it. */
  readonly flight: number
}

/** One call to the store, and all who wait for it. */
interface Flight {
  readonly id: number
  readonly key: string
  readonly read: StoreRead
  readonly askedAt: number
  readonly answer: Promise<Found | undefined>
  /** The path was written, or the clock was set back, since it began: it is not joined and keeps nothing. */
  outdated: boolean
}

export interface StoreOptions extends Lifetimes {
  readonly maxEntries: number
  readonly shared: SharedLevel | undefined
  readonly shredder: Shredder
  readonly refreshes: TracingChannel<TraceMessage>
  readonly closing: AbortSignal
}

/** A clock that goes back by more than this makes every bound worthless. */
const clockToleranceMs = 1_000

/** One provider's store under the freshness rules. It knows paths and versions, and neither names nor other providers. */
export class CachedStore {
  readonly #provider: SecretProvider
  readonly #options: StoreOptions
  readonly #entries: Lru<Entry>
  readonly #absences: Lru<Absence>
  readonly #backOffs: Lru<BackOff>
  readonly #flights = new Map<string, Flight>()
  readonly #tally = new Tally()
  readonly #unsubscribe: () => void
  #flightCount = 0
  #latest = 0

  constructor(provider: SecretProvider, options: StoreOptions) {
    this.#provider = provider
    this.#options = options
    this.#entries = new Lru(options.maxEntries, (entry) => this.#evict(entry))
    this.#absences = new Lru(options.maxEntries)
    this.#backOffs = new Lru(options.maxEntries)
    this.#unsubscribe = options.shared?.subscribe((path) => this.forget(path)) ?? (() => {})
  }

  get counts(): CacheCounts {
    return this.#tally.counts(this.#entries.size)
  }

  /** The current version if it is held and fresh: the way that needs no promise. */
  peek(path: string): HeldSecret | undefined {
    const now = this.#now()
    const entry = this.#entries.get(path)
    if (entry === undefined || now >= entry.freshUntil) return undefined
    this.#tally.hits += 1
    if (now >= entry.refreshAt) this.#refresh({ path, mode: 'cached' }, now)
    return entry.held
  }

  /**
   * Resolves to what the store answered, now or within the bounds of freshness; `undefined`: it has no such secret.
   * Rejects with the store's failure where nothing that is held may stand in for it.
   */
  async read(read: StoreRead): Promise<Found | undefined> {
    const now = this.#now()
    const key = keyOf(read.path, read.version)
    const entry = this.#entries.get(key)
    if (read.mode !== 'fresh') {
      if (entry !== undefined && now < entry.freshUntil) return this.#hit(read, entry, now)
      if (now < (this.#absences.get(key)?.until ?? 0)) return this.#knownMissing()
    }
    this.#tally.misses += 1
    try {
      const failing = this.#backOffs.get(key)
      if (failing !== undefined && now < failing.retryAt) throw failing.error
      return await untilAborted(this.#join(read, key, now), read.signal)
    } catch (error) {
      return this.#standIn(read, key, error)
    }
  }

  /** After a write: nothing that was read before it is served again, here or through the shared level. */
  async invalidate(path: string): Promise<void> {
    this.forget(path)
    await this.#options.shared?.invalidate(path)
  }

  /** Drops every version of the path from memory; flights that are under way keep nothing. */
  forget(path: string): void {
    for (const [key, flight] of this.#flights) {
      if (flight.read.path === path) this.#outdate(key, flight)
    }
    this.#drop(path)
    for (const map of [this.#absences, this.#backOffs]) {
      for (const [key] of map.entries()) if (pathOf(key) === path) map.delete(key)
    }
  }

  /** Drops all. */
  clear(): void {
    for (const [key, flight] of this.#flights) this.#outdate(key, flight)
    for (const [key, { held }] of this.#entries.entries()) {
      this.#entries.delete(key)
      held.release()
    }
    for (const map of [this.#absences, this.#backOffs]) for (const [key] of map.entries()) map.delete(key)
  }

  /** Drops all, and ends when nothing of this store is under way in the background. */
  async close(): Promise<void> {
    this.#unsubscribe()
    await Promise.allSettled([...this.#flights.values()].map(({ answer }) => answer))
    this.clear()
    await this.#options.shared?.drain()
  }

  #now(): number {
    const now = Date.now()
    if (now < this.#latest - clockToleranceMs) this.clear()
    this.#latest = now
    return now
  }

  #hit(read: StoreRead, entry: Entry, now: number): Found {
    this.#tally.hits += 1
    if (read.mode === 'volatile') this.#dropEntry(keyOf(read.path, read.version))
    else if (now >= entry.refreshAt) this.#refresh(read, now)
    return { held: entry.held, from: 'memory', stale: false }
  }

  #knownMissing(): undefined {
    this.#tally.hits += 1
    return undefined
  }

  /** The value that this store gave last, while the store cannot be asked and within its bound; else the failure. */
  #standIn(read: StoreRead, key: string, error: unknown): Found {
    const entry = this.#entries.get(key)
    const isOut = SecretsError.isInstance(error) && isOutage(error.code)
    if (!isOut || read.mode === 'fresh' || entry === undefined || this.#now() >= entry.staleUntil) throw error
    this.#tally.staleAnswers += 1
    return { held: entry.held, from: 'memory', stale: true }
  }

  #refresh(read: StoreRead, now: number): void {
    const key = keyOf(read.path, read.version)
    if (this.#flights.has(flightKey(read.mode, key)) || now < (this.#backOffs.get(key)?.retryAt ?? 0)) return
    this.#tally.refreshes += 1
    // Its failure is noted by the flight, and told to whoever reads after the value has expired.
    const message: TraceMessage = { operation: 'refresh', name: read.path, provider: this.#provider.name }
    traced(this.#options.refreshes, message, () => this.#begin({ ...read, signal: undefined, batch: undefined }, key, now).answer).catch(() => {})
  }

  #join(read: StoreRead, key: string, now: number): Promise<Found | undefined> {
    const flying = this.#flights.get(flightKey(read.mode, key))
    if (flying === undefined) return this.#begin(read, key, now).answer
    this.#tally.flightsJoined += 1
    return flying.answer
  }

  #begin(read: StoreRead, key: string, askedAt: number): Flight {
    const { promise, resolve } = Promise.withResolvers<Found | undefined>()
    const flight: Flight = { id: (this.#flightCount += 1), key, read, askedAt, answer: promise, outdated: false }
    this.#flights.set(flightKey(read.mode, key), flight)
    read.batch?.join()
    resolve(this.#fly(flight).finally(() => this.#land(flight)))
    return flight
  }

  #land(flight: Flight): void {
    const key = flightKey(flight.read.mode, flight.key)
    if (this.#flights.get(key) === flight) this.#flights.delete(key)
  }

  async #fly(flight: Flight): Promise<Found | undefined> {
    const { path, version, mode, batch } = flight.read
    const shared = mode === 'volatile' ? undefined : this.#options.shared
    const level = mode === 'cached' ? await shared?.read(path, version) : undefined
    if (level !== undefined && 'hit' in level) {
      batch?.leave()
      return { held: this.#keep(flight, level.hit, level.until), from: 'shared', stale: false }
    }
    try {
      const stored = await this.#ask(flight)
      this.#fillShared(flight, level?.ticket, stored)
      return this.#answered(flight, stored)
    } catch (error) {
      shared?.fill(path, version, level?.ticket, undefined)
      this.#failed(flight, error)
      throw error
    }
  }

  #ask({ read: { path, version, mode, batch } }: Flight): Promise<StoredSecret | undefined> {
    const context: CallContext = { signal: this.#options.closing, ...(mode === 'fresh' && { fresh: true }) }
    if (version === undefined) return batch === undefined ? this.#provider.get(path, context) : batch.get(path)
    return this.#provider.getVersion?.(path, version, context) ?? Promise.reject(withoutVersions())
  }

  #fillShared(flight: Flight, ticket: Parameters<SharedLevel['fill']>[2], stored: StoredSecret | undefined): void {
    const { path, version } = flight.read
    const isShareable = stored !== undefined && !stored.exclusive && !flight.outdated
    const until = Math.min(flight.askedAt + this.#options.ttlMs, stored?.expiresAt ?? Infinity)
    this.#options.shared?.fill(path, version, ticket, isShareable ? { secret: copyOf(stored), until } : undefined)
  }

  #answered(flight: Flight, stored: StoredSecret | undefined): Found | undefined {
    const { key, read } = flight
    this.#options.shared?.trust(read.path)
    if (stored !== undefined) return { held: this.#keep(flight, stored), from: 'store', stale: false }
    if (flight.outdated) return undefined
    this.#backOffs.delete(key)
    if (read.version === undefined) this.#drop(read.path)
    else this.#dropEntry(key)
    this.#absences.set(key, absence(this.#absences.get(key), Date.now(), this.#options))
    return undefined
  }

  #keep(flight: Flight, stored: StoredSecret, until?: number): HeldSecret {
    const { value, shape, ...rest } = stored
    const { key, askedAt, id, read } = flight
    const held = new HeldSecret({ value, shape }, { ...rest, provider: this.#provider.name, askedAt }, this.#options.shredder)
    const current = this.#entries.get(key)
    const isKept = !flight.outdated && read.mode !== 'volatile' && (current === undefined || current.flight < id)
    if (!flight.outdated) this.#backOffs.delete(key)
    if (!isKept) {
      held.release()
      return held
    }
    this.#absences.delete(key)
    current?.held.release()
    this.#entries.set(key, { held, path: read.path, flight: id, ...freshness(stored, askedAt, this.#options, until) })
    return held
  }

  #failed({ key, read, outdated }: Flight, error: unknown): void {
    if (outdated || !SecretsError.isInstance(error) || error.code === 'ABORTED') return
    if (isWithdrawal(error.code)) {
      this.#drop(read.path)
      this.#options.shared?.distrust(read.path)
    }
    this.#backOffs.set(key, backOff(error, this.#backOffs.get(key), Date.now()))
  }

  #outdate(key: string, flight: Flight): void {
    flight.outdated = true
    this.#flights.delete(key)
  }

  #evict({ held }: Entry): void {
    this.#tally.evictions += 1
    held.release()
  }

  #drop(path: string): void {
    for (const [key, entry] of this.#entries.entries()) if (entry.path === path) this.#dropEntry(key)
  }

  #dropEntry(key: string): void {
    this.#entries.delete(key)?.held.release()
  }
}

/** Paths hold no control characters, so that no path is another one's version. */
function keyOf(path: string, version: VersionSelector): string {
  return version === undefined ? path : `${path}\n${version}`
}

function pathOf(key: string): string {
  const end = key.indexOf('\n')
  return end === -1 ? key : key.slice(0, end)
}

/** Reads of one mode share a flight; a fresh one must not be answered by a call that was begun before it was asked for. */
function flightKey(mode: ReadMode, key: string): string {
  return `${mode} ${key}`
}

function withoutVersions(): SecretsError {
  return new SecretsError('UNSUPPORTED', 'the provider keeps no versions')
}

/** The core overwrites the bytes that it was given; the shared level gets its own. */
function copyOf(secret: StoredSecret): StoredSecret {
  return typeof secret.value === 'string' ? secret : { ...secret, value: secret.value.slice() }
}
