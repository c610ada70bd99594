import { Fetcher } from './fetcher.ts'
import type { FetchOptions, Right } from './fetch-options.ts'
import { type CacheCounts, Tally } from './cache-stats.ts'
import type { SecretProvider } from '../contract/provider.ts'
import { type Flight, Flights, type Found, isFresh, isVolatile, type StoreRead } from './single-flight.ts'
import { describeKeyOf, keyOf } from './keys/lru.ts'
import { KnownChanges } from './known-changes.ts'
import { type Entry, MemoryCache } from './entries.ts'
import type { Absence } from './freshness.ts'
import { OwnWrites, refusalKeys, Refusals } from './path-history.ts'
import { Patience } from './patience.ts'
import { PendingReads } from './pending-reads.ts'
import { isOutage, isUnasked } from '../errors/error-classes.ts'
import { VerifiedAccess } from './shared/verified-access.ts'
import { SecretsError } from '../errors/secrets-error.ts'
import { tracedRefresh } from '../observe/trace-channels.ts'

export interface StoreOptions extends FetchOptions {
  /** Caches of the same store. May include this one. */
  readonly siblings?: readonly ProviderCache[] | undefined
}

/** If the clock goes back by more than this, no bound can be trusted. */
const clockToleranceMs = 1_000

/** It knows paths and versions, but no names and no other providers. */
export class ProviderCache {
  readonly #provider: SecretProvider
  readonly #options: StoreOptions
  readonly #memory: MemoryCache
  readonly #flights: Flights
  readonly #refusals: Refusals
  readonly #writes = new OwnWrites()
  readonly #tally = new Tally()
  readonly #unsubscribe: () => void
  readonly #fetcher: Fetcher
  readonly #changes: KnownChanges
  readonly patience: Patience
  readonly pending: PendingReads
  readonly traces: MemoryCache['traces']
  readonly staleSince: () => number | undefined = () => this.#memory.staleSince(Date.now())
  #latest = 0

  constructor(provider: SecretProvider, options: StoreOptions) {
    this.#provider = provider
    this.#options = options
    this.#flights = new Flights(options)
    this.#refusals = new Refusals(options.ttlMs + options.maxStaleMs)
    this.#memory = new MemoryCache({ ...options, recheckMs: options.shared?.recheckMs }, () => (this.#tally.evictions += 1))
    this.traces = this.#memory.traces
    const access = options.shared && new VerifiedAccess(options.requireOwnAccess ?? false)
    const [memory, flights] = [this.#memory, this.#flights]
    const parts = { provider, options, access, memory, flights, refusals: this.#refusals, writes: this.#writes }
    this.#fetcher = new Fetcher(parts)
    this.#changes = new KnownChanges(parts)
    this.patience = new Patience(parts)
    this.pending = new PendingReads(parts)
    this.#unsubscribe = options.shared?.subscribe((path) => this.#changes.elsewhere(path)) ?? (() => {})
  }

  get counts(): CacheCounts {
    return this.#tally.counts(this.#memory.size)
  }

  /** A fresh current version, without a promise. */
  peek(path: string): Entry | undefined {
    const now = this.#now()
    const entry = this.#memory.entry(path)
    if (entry === undefined || now >= entry.freshUntil) return undefined
    this.#tally.hits += 1
    if (now >= entry.refreshAt) this.#refresh({ path, version: undefined, mode: 'cached' }, path, now)
    return entry
  }

  /** Counts a hit if so. */
  isStillFresh(entry: Entry, now: number): boolean {
    if (now >= entry.refreshAt || now >= entry.freshUntil || now < this.#latest - clockToleranceMs) return false
    if (now > this.#latest) this.#latest = now
    this.#memory.touch(entry)
    this.#tally.hits += 1
    return true
  }

  look(path: string): Entry | Absence | undefined {
    return this.#memory.look(path, this.#now())
  }

  /** Whether a value is held that an outage leaves. */
  holds(path: string): boolean {
    const known = this.look(path)
    return known !== undefined && 'held' in known && Date.now() < known.staleUntil
  }

  /** A read that relies on it calls `recordAbsenceHit`. */
  absence(path: string): Absence | undefined {
    return this.#memory.absence(path, this.#now())
  }

  isStillAbsent({ until }: Absence, now: number): boolean {
    if (now >= until || now < this.#latest - clockToleranceMs) return false
    if (now > this.#latest) this.#latest = now
    return true
  }

  recordAbsenceHit(path: string): void {
    this.#memory.touchAbsence(path)
    this.#tally.hits += 1
  }

  /** `recordJoin` counts it once it brings a value. */
  flying(path: string): Promise<Found | undefined> | undefined {
    // A reader that has a stale value does not wait for a late one.
    const flight = this.#flights.isLate('cached', path) ? undefined : this.#flights.get('cached', path)
    const now = Date.now()
    const hasFailed = this.patience.outage('cached', path, now) ?? this.#options.circuit.expected(now) ?? this.#memory.failure(path, now)
    return flight === undefined || hasFailed !== undefined ? undefined : this.#flights.wait(flight, undefined)
  }

  recordJoin(): void {
    this.#tally.misses += 1
    this.#tally.flightsJoined += 1
  }

  /** `undefined`: there is no such secret. Rejects if no stale value may be served. */
  read(read: StoreRead): Promise<Found | undefined> {
    const now = this.#now()
    const key = keyOf(read.path, read.version)
    const entry = isFresh(read.mode) ? undefined : this.#memory.entry(key)
    if (entry !== undefined && now < entry.freshUntil) return Promise.resolve(this.#hit(read, key, entry, now))
    if (!isFresh(read.mode) && this.#memory.absence(key, now) !== undefined) {
      this.#tally.hits += 1
      return Promise.resolve(undefined)
    }
    this.#tally.misses += 1
    const failure = this.patience.failure(key, now, entry?.staleUntil)
    const answer = failure === undefined ? this.#await(read, key, now, entry?.staleUntil) : this.#elsewhere(read, key, failure)
    return answer.catch((error: unknown) => this.#staleOrRefusal(read, key, error))
  }

  /** Remembers refusals like those of reads. */
  async describe<T>(path: string, ask: () => Promise<T>, right: Right = 'describe'): Promise<T> {
    try {
      return await this.askBeside(path, ask, right)
    } catch (error) {
      throw SecretsError.isInstance(error) ? this.#refusals.orElse(error, [describeKeyOf(path), path]) : error
    }
  }

  /** Like `describe`, but rejects with the store's current error. */
  askBeside<T>(path: string, ask: () => Promise<T>, right: Right): Promise<T> {
    return this.#fetcher.askBeside(path, ask, right)
  }

  /** `withdrawn`: the error of a withdrawal. Without it the secret may exist again. */
  changed(path: string, withdrawn?: SecretsError): void {
    for (const each of this.#holders) each.#refusals.restored(path)
    this.recordChange(path, withdrawn)
    if (withdrawn !== undefined) this.#withdrew(path)
  }

  /** Later providers may answer after a purge. */
  purged(path: string): void {
    for (const each of this.#holders) each.#refusals.restored(path)
    this.#withdrew(path)
  }

  #withdrew(path: string): void {
    for (const each of this.#holders) {
      each.#writes.withdrew(path)
      each.forget(path)
      each.traces.delete(path)
    }
  }

  /** An outage must not bring back a later provider's older value. */
  recordChange(path: string, refusal?: SecretsError): void {
    // Another provider of the store may have another credential.
    const holders = refusal === undefined || refusal.code === 'DELETED' ? this.#holders : [this]
    for (const each of holders) each.#changes.record(path, refusal)
  }

  /** After a write without effect the held value may only be served stale. */
  doubt(path: string): void {
    for (const each of this.#holders) each.#changes.doubt(path)
  }

  /** Values below `leastVersion` are kept briefly. `begunAt`: of the write, by the monotonic clock. */
  async invalidate(path: string, leastVersion?: number, begunAt?: number): Promise<void> {
    for (const each of this.#holders) {
      if (leastVersion !== undefined) each.#writes.wrote(path, leastVersion, begunAt)
      each.forget(path)
    }
    try {
      await this.#options.shared?.invalidate(path, leastVersion)
    } finally {
      // Reads may have taken old values from the shared cache meanwhile.
      for (const each of this.#holders) each.forget(path)
    }
  }

  /** A watch saw this version. An older value is kept briefly, and is not fresh any more. */
  saw(path: string, version: number, isReset: boolean): void {
    for (const each of this.#holders) each.#changes.saw(path, version, isReset)
  }

  get #holders(): ReadonlySet<ProviderCache> {
    return new Set([this, ...(this.#options.siblings ?? [])])
  }

  /** Running flights keep nothing. */
  forget(path: string): void {
    this.#changes.forget(path)
  }

  /** Keeps refusals, which a clock that is set back must not undo. */
  clear(): void {
    this.#flights.dismiss()
    this.#memory.clear()
  }

  async close(): Promise<void> {
    this.#unsubscribe()
    try {
      await this.#flights.settled()
    } finally {
      this.clear()
      for (const [path] of this.traces.entries()) this.traces.delete(path)
      this.#refusals.clear()
    }
    await this.#options.shared?.drain()
  }

  #now(): number {
    const now = Date.now()
    const isBack = now < this.#latest - clockToleranceMs
    if (isBack) this.clear()
    // Small steps back must not add up unnoticed.
    this.#latest = isBack ? now : Math.max(this.#latest, now)
    return now
  }

  #hit(read: StoreRead, key: string, entry: Entry, now: number): Found {
    this.#tally.hits += 1
    if (isVolatile(read.mode)) this.#memory.drop(key)
    else if (now >= entry.refreshAt) this.#refresh(read, key, now)
    return { held: entry.held, from: 'memory', stale: false }
  }

  /** What other processes wrote or filled shows also to a read that does not wait for the store. */
  async #elsewhere(read: StoreRead, key: string, error: unknown): Promise<Found | undefined> {
    const now = this.#now()
    const mayProbe = SecretsError.isInstance(error) && isUnasked(error.code) && read.mode === 'cached'
    if (!mayProbe || !this.#memory.takeProbe(key, now)) throw error
    const alone = { ...read, signal: undefined, batch: undefined }
    const flight = this.#flights.beginApart(alone, key, now, (probe) => this.#fetcher.flyToShared(probe))
    const found = await this.#flights.wait(flight, read.signal)
    if (found === undefined) throw error
    return found
  }

  /** Returns the stale value, or throws the remembered refusal. */
  #staleOrRefusal(read: StoreRead, key: string, error: unknown): Found {
    if (!SecretsError.isInstance(error)) throw error
    const [entry, now] = [this.#memory.entry(key), this.#now()]
    const canServe = isOutage(error.code) && !isFresh(read.mode)
    if (!canServe || entry === undefined || now >= entry.staleUntil) throw this.#refusals.orElse(error, refusalKeys(read, key))
    if (isVolatile(read.mode)) this.#memory.drop(key)
    if (now < entry.lifetime.freshUntil) return { held: entry.held, from: 'memory', stale: false }
    this.#tally.staleAnswers += 1
    entry.servedStaleAt = now
    return { held: entry.held, from: 'memory', stale: true, outage: error.code }
  }

  #refresh(read: StoreRead, key: string, now: number): void {
    if (this.#flights.unended(read.mode, key) !== undefined || this.patience.failure(key, now, Infinity) !== undefined) return
    this.#tally.refreshes += 1
    const alone = { ...read, signal: undefined, batch: undefined }
    const fly = (): Promise<Found | undefined> => this.#flights.wait(this.#begin(alone, key, now), undefined)
    // The flight records its failure for reads after the value expires.
    tracedRefresh(this.#options.tracing, read.path, this.#provider.name, fly).catch(() => {})
  }

  #await(read: StoreRead, key: string, now: number, staleUntil = now): Promise<Found | undefined> {
    const canSpare = this.patience.canSpare(read, key, now, staleUntil)
    const expected = canSpare ? this.patience.expected(read.mode, key, now) : undefined
    const flying = expected === undefined ? this.#flights.get(read.mode, key) : this.#flights.unended(read.mode, key)
    if (flying !== undefined) this.#tally.flightsJoined += 1
    // A call that its reader aborts would never tell the next one that the store hangs.
    const flight = flying ?? this.#begin(canSpare ? { ...read, signal: undefined } : read, key, now)
    if (expected === undefined) return this.patience.wait(flight, read, key, now)
    return this.patience.waitBriefly(flight, read, now, expected).catch((error: unknown) => this.#elsewhere(read, key, error))
  }

  #begin(read: StoreRead, key: string, askedAt: number): Flight {
    read.batch?.join()
    return this.#flights.begin(read, key, askedAt, (flight) => this.#fetcher.fly(flight))
  }
}
