import type { TracingChannel } from 'node:diagnostics_channel'

import { untilAborted } from './bounded.ts'
import { type CacheCounts, Tally } from './cache-stats.ts'
import type { CallContext, SecretProvider, StoredSecret } from './contract.ts'
import { type Flight, Flights, type Found, isFresh, isVolatile, type StoreRead } from './flights.ts'
import { freshness, type Lifetimes } from './freshness.ts'
import { HeldSecret } from './held-secret.ts'
import { type Entry, keyOf, Memory } from './memory.ts'
import { isOutage, isWithdrawal } from './policy.ts'
import { Rights } from './rights.ts'
import { SecretsError } from './secrets-error.ts'
import { saidNothing, type SharedAnswer, type SharedLevel } from './shared-level.ts'
import type { Shredder } from './shredder.ts'
import { storedSecretOf } from './stored-secret.ts'
import { traced, type TraceMessage } from './tracing.ts'

export interface StoreOptions extends Lifetimes {
  readonly maxEntries: number
  readonly shared: SharedLevel | undefined
  /** Each process proves its own right before it takes anything from the shared level. */
  readonly ownRights?: boolean | undefined
  /** The caches of other providers of the same store, and maybe this one: they hold what a write here makes obsolete. */
  readonly kin?: readonly CachedStore[] | undefined
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
  readonly #memory: Memory
  readonly #flights = new Flights()
  readonly #tally = new Tally()
  readonly #unsubscribe: () => void
  readonly #rights: Rights
  #latest = 0

  constructor(provider: SecretProvider, options: StoreOptions) {
    this.#provider = provider
    this.#options = options
    this.#rights = new Rights(options.ownRights ?? false)
    this.#memory = new Memory({ ...options, lookMs: options.shared?.lookMs }, () => (this.#tally.evictions += 1))
    this.#unsubscribe = options.shared?.subscribe((path) => this.forget(path)) ?? (() => {})
  }

  get counts(): CacheCounts {
    return this.#tally.counts(this.#memory.size)
  }

  /** The current version if it is held and fresh: the way that needs no promise. */
  peek(path: string): Entry | undefined {
    const now = this.#now()
    const entry = this.#memory.entry(path)
    if (entry === undefined || now >= entry.freshUntil) return undefined
    this.#tally.hits += 1
    if (now >= entry.refreshAt) this.#refresh({ path, version: undefined, mode: 'cached' }, path, now)
    return entry
  }

  /** Whether an entry that is still held is as good as when `peek` gave it, which then is a hit; else `peek` knows what to do. */
  confirm(entry: Entry): boolean {
    const now = Date.now()
    if (now >= entry.refreshAt || now >= entry.freshUntil || now < this.#latest - clockToleranceMs) return false
    if (now > this.#latest) this.#latest = now
    this.#memory.touch(entry)
    this.#tally.hits += 1
    return true
  }

  /** The store said lately that it has no such secret. To be counted by `passed` where a read relies on it. */
  knowsAbsent(path: string): boolean {
    return this.#memory.isAbsent(path, this.#now())
  }

  passed(): undefined {
    this.#tally.hits += 1
  }

  /** What a read that finds nothing held would wait for. To be counted by `joined` where it brings a value. */
  flying(path: string): Promise<Found | undefined> | undefined {
    const flight = this.#flights.get('cached', path)
    return flight !== undefined && this.#memory.failure(path, Date.now()) === undefined ? flight.answer : undefined
  }

  joined(): void {
    this.#tally.misses += 1
    this.#tally.flightsJoined += 1
  }

  /**
   * Resolves to what the store answered, now or within the bounds of freshness; `undefined`: it has no such secret.
   * Rejects with the store's failure where nothing that is held may stand in for it.
   */
  read(read: StoreRead): Promise<Found | undefined> {
    const now = this.#now()
    const key = keyOf(read.path, read.version)
    const entry = isFresh(read.mode) ? undefined : this.#memory.entry(key)
    if (entry !== undefined && now < entry.freshUntil) return Promise.resolve(this.#hit(read, key, entry, now))
    if (!isFresh(read.mode) && this.#memory.isAbsent(key, now)) return Promise.resolve(this.passed())
    this.#tally.misses += 1
    const failure = this.#memory.failure(key, now, entry?.staleUntil)
    const answer = failure === undefined ? untilAborted(this.#join(read, key, now), read.signal) : Promise.reject(failure)
    return answer.catch((error: unknown) => this.#standIn(read, key, error))
  }

  /** After a write: nothing that was read before it is served again, here or through the shared level. */
  async invalidate(path: string, leastVersion?: number): Promise<void> {
    const holders = new Set<CachedStore>([this, ...(this.#options.kin ?? [])])
    for (const each of holders) each.forget(path)
    try {
      await this.#options.shared?.invalidate(path, leastVersion)
    } finally {
      // What was read from the level before it was told.
      for (const each of holders) each.forget(path)
    }
  }

  /** Drops every version of the path from memory; flights that are under way keep nothing. */
  forget(path: string): void {
    this.#flights.outdate(({ read }) => read.path === path)
    this.#memory.forgetPath(path)
  }

  /** Drops all. */
  clear(): void {
    this.#flights.outdate()
    this.#memory.clear()
  }

  /** Drops all, and ends when nothing of this store is under way in the background. */
  async close(): Promise<void> {
    this.#unsubscribe()
    try {
      await this.#flights.settled()
    } finally {
      this.clear()
    }
    await this.#options.shared?.drain()
  }

  #now(): number {
    const now = Date.now()
    const isBack = now < this.#latest - clockToleranceMs
    if (isBack) this.clear()
    // Small steps back must not add up unseen.
    this.#latest = isBack ? now : Math.max(this.#latest, now)
    return now
  }

  #hit(read: StoreRead, key: string, entry: Entry, now: number): Found {
    this.#tally.hits += 1
    if (isVolatile(read.mode)) this.#memory.drop(key)
    else if (now >= entry.refreshAt) this.#refresh(read, key, now)
    return { held: entry.held, from: 'memory', stale: false }
  }

  /** The value that this store gave last, while the store cannot be asked and within its bound; else the failure. */
  #standIn(read: StoreRead, key: string, error: unknown): Found {
    const entry = this.#memory.entry(key)
    if (!SecretsError.isInstance(error) || !isOutage(error.code)) throw error
    const now = this.#now()
    if (isFresh(read.mode) || entry === undefined || now >= entry.staleUntil) throw error
    if (isVolatile(read.mode)) this.#memory.drop(key)
    if (now < entry.lifetime.freshUntil) return { held: entry.held, from: 'memory', stale: false }
    this.#tally.staleAnswers += 1
    return { held: entry.held, from: 'memory', stale: true, outage: error.code }
  }

  #refresh(read: StoreRead, key: string, now: number): void {
    if (this.#flights.get(read.mode, key) !== undefined || this.#memory.failure(key, now, Infinity) !== undefined) return
    this.#tally.refreshes += 1
    const alone = { ...read, signal: undefined, batch: undefined }
    const message: TraceMessage = { operation: 'refresh', name: read.path, provider: this.#provider.name }
    // Its failure is noted by the flight, and told to whoever reads after the value has expired.
    traced(this.#options.refreshes, message, () => this.#begin(alone, key, now).answer).catch(() => {})
  }

  #join(read: StoreRead, key: string, now: number): Promise<Found | undefined> {
    const flying = this.#flights.get(read.mode, key)
    if (flying === undefined) return this.#begin(read, key, now).answer
    this.#tally.flightsJoined += 1
    return flying.answer
  }

  #begin(read: StoreRead, key: string, askedAt: number): Flight {
    read.batch?.join()
    return this.#flights.begin(read, key, askedAt, (flight) => this.#fly(flight))
  }

  async #fly(flight: Flight): Promise<Found | undefined> {
    const { path, version, batch } = flight.read
    const level = this.#levelFor(flight)
    const said = level === undefined ? saidNothing : await level.read(path, version)
    const spared = this.#newer(flight, said) ?? this.#confirmed(flight, said)
    if (spared !== undefined) {
      batch?.leave()
      return spared
    }
    try {
      const stored = await this.#ask(flight)
      if (flight.outdated) level?.giveUp(path, version, said)
      else level?.bring(path, version, said, stored, flight.askedAt)
      return this.#answered(flight, stored)
    } catch (error) {
      level?.giveUp(path, version, said)
      this.#failed(flight, error)
      throw error
    }
  }

  /** A volatile read leaves nothing there, and what the store refused to us is not taken from others. */
  #levelFor({ key, read }: Flight): SharedLevel | undefined {
    return isVolatile(read.mode) || !this.#rights.mayShare(key, read.path) ? undefined : this.#options.shared
  }

  /** What the level has, if that is newer than what is held: a refresh that took the same again would never refresh. */
  #newer(flight: Flight, { hit }: SharedAnswer): Found | undefined {
    // The store may have refused it to us while we waited.
    if (this.#levelFor(flight) === undefined) return undefined
    const heldSince = this.#memory.entry(flight.key)?.held.facts.askedAt ?? -Infinity
    if (hit === undefined || isFresh(flight.read.mode) || hit.askedAt <= heldSince) return undefined
    return { held: this.#keep(flight, hit.secret, hit.askedAt), from: 'shared', stale: false }
  }

  /** What is held, if the level has the same, or cannot be asked, and it is not yet time to ask the store itself. */
  #confirmed({ key, read, outdated }: Flight, { isUnavailable, holds }: SharedAnswer): Found | undefined {
    const there = storedSecretOf(holds)
    const isSame = isUnavailable || (there !== undefined && this.#memory.entry(key)?.held.equals(there))
    const entry = isSame && !outdated && !isFresh(read.mode) ? this.#memory.confirm(key, Date.now()) : undefined
    return entry && { held: entry.held, from: 'memory', stale: false }
  }

  #ask({ read: { path, version, mode, batch } }: Flight): Promise<StoredSecret | undefined> {
    const context: CallContext = { signal: this.#options.closing, ...(isFresh(mode) && { fresh: true }) }
    if (version === undefined) return batch === undefined ? this.#provider.get(path, context) : batch.get(path)
    const answer = this.#provider.getVersion?.(path, version, context)
    return (
      answer ?? Promise.reject(new SecretsError('UNSUPPORTED', 'the provider keeps no versions', { remedy: 'ask for the current one' }))
    )
  }

  #answered(flight: Flight, stored: StoredSecret | undefined): Found | undefined {
    const { key, read } = flight
    if (!flight.outdated) {
      this.#rights.answered(key, read.path)
      this.#options.shared?.saw(read.path, read.version, flight.askedAt)
    }
    if (stored !== undefined) return { held: this.#keep(flight, stored, flight.askedAt), from: 'store', stale: false }
    if (flight.outdated || this.#memory.isOvertaken(flight, flight.askedAt)) return undefined
    this.#memory.noteAnswer(key)
    // Without a current version there is none before it, nor any other.
    this.#withdraw(key)
    this.#memory.noteAbsence(key, Date.now())
    return undefined
  }

  #keep(flight: Flight, stored: StoredSecret, askedAt: number): HeldSecret {
    const { value, shape, ...rest } = stored
    const { key, read, outdated } = flight
    const held = new HeldSecret({ value, shape }, { ...rest, provider: this.#provider.name, askedAt }, this.#options.shredder)
    if (!outdated) this.#memory.noteAnswer(key)
    if (isVolatile(read.mode)) this.#memory.drop(key)
    if (outdated || isVolatile(read.mode) || this.#memory.isOvertaken(flight, askedAt)) held.release()
    else {
      const { id, askedAt: begunAt } = flight
      const entry = { held, key, path: read.path, flight: { id, begunAt }, leaving: [] }
      this.#memory.keep(entry, freshness(stored, askedAt, this.#options))
    }
    return held
  }

  /** Nothing of one version, or of the current one and so of all, is served again, nor what flights are still to bring. */
  #withdraw(key: string): void {
    this.#flights.outdate((flight) => flight.key === key || flight.read.path === key)
    this.#memory.drop(key)
    this.#memory.dropPath(key)
  }

  #failed({ key, read, outdated }: Flight, error: unknown): void {
    if (!SecretsError.isInstance(error) || error.code === 'ABORTED') return
    if (isWithdrawal(error.code)) {
      // What is wrong with one version tells nothing of the others; a credential that is refused does.
      const refused = error.code === 'UNAUTHENTICATED' ? read.path : key
      if (!outdated) this.#withdraw(refused)
      // Whatever was written meanwhile, others' answers are not for us.
      this.#rights.refused(refused)
    }
    if (!outdated) this.#memory.noteFailure(key, error, Date.now())
  }
}
