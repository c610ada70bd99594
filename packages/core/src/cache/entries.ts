import { Lru, pathOf } from './keys/lru.ts'
import { backOff, type BackOff, isTelling } from '../guard/back-off.ts'
import {
  type Absence,
  absence,
  briefAbsence,
  briefly,
  endAbsence,
  type Freshness,
  type Lifetimes,
  shortened,
  untilRecheck,
} from './freshness.ts'
import type { Changes } from './shared/invalidations.ts'
import { noteValue, type Trace } from './former-values.ts'
import type { Call } from './single-flight.ts'
import type { SecretBytes } from '../value/secret-bytes.ts'
import { type CircuitBreaker, isHeldBack } from '../guard/circuit-breaker.ts'
import { isOutage } from '../errors/error-classes.ts'
import type { SecretsError } from '../errors/secrets-error.ts'

export interface Entry extends Freshness {
  /** With a shared cache: when to probe it again. Otherwise as in `lifetime`. */
  refreshAt: number
  freshUntil: number
  readonly lifetime: Freshness
  readonly held: SecretBytes
  readonly key: string
  readonly path: string
  /** `isShared`: another process asked for it, and the shared cache brought it. */
  readonly flight: { readonly id: number; readonly isShared: boolean }
  /** When it was last served as stale. */
  servedStaleAt?: number | undefined
  /** Any reference left would keep the value from being wiped. */
  readonly leaving: (() => void)[]
}

export interface MemoryCacheOptions extends Lifetimes {
  readonly maxEntries: number
  /** Undefined without a shared cache. */
  readonly recheckMs: number | undefined
  readonly circuit: Pick<CircuitBreaker, 'recoveredAt'>
}

/** A value that was not read for so long is not in use. */
const latelyMs = 60_000

/** The in-memory cache of one store, by path and version. */
export class MemoryCache {
  readonly #options: MemoryCacheOptions
  readonly #entries: Lru<Entry>
  readonly #absences: Lru<Absence>
  readonly #backOffs: Lru<BackOff>
  /** When a read that the store leaves without an answer probes the shared cache again. */
  readonly #probeAt: Lru<number>
  /** Of what the store gave last, by path. */
  readonly traces: Lru<Trace>

  constructor(options: MemoryCacheOptions, evicted: () => void) {
    const { maxEntries } = options
    this.#options = options
    this.#entries = new Lru(maxEntries, (entry) => {
      evicted()
      this.#leave(entry)
    })
    this.#absences = new Lru(maxEntries, endAbsence)
    this.#backOffs = new Lru(maxEntries)
    this.#probeAt = new Lru(maxEntries)
    this.traces = new Lru(maxEntries)
  }

  get size(): number {
    return this.#entries.size
  }

  /** When the oldest value was asked for that was served as stale lately. */
  staleSince(now: number): number | undefined {
    const times = [...this.#entries.entries()].flatMap(([, { servedStaleAt = -Infinity, held }]) =>
      now - servedStaleAt < latelyMs ? [held.metadata.askedAt] : [],
    )
    return times.length === 0 ? undefined : Math.min(...times)
  }

  entry(key: string): Entry | undefined {
    return this.#entries.get(key)
  }

  holds(path: string): boolean {
    for (const [, entry] of this.#entries.entries()) if (entry.path === path) return true
    return false
  }

  touch({ key }: Entry): void {
    this.#entries.touch(key)
  }

  absence(key: string, now: number): Absence | undefined {
    const known = this.#absences.get(key)
    return known !== undefined && now < known.until ? known : undefined
  }

  /** What is held, fresh or not. It counts as no use, so that who only looks keeps nothing here. */
  look(key: string, now: number): Entry | Absence | undefined {
    const absent = this.#absences.peek(key)
    return this.#entries.peek(key) ?? (absent !== undefined && now < absent.until ? absent : undefined)
  }

  touchAbsence(key: string): void {
    this.#absences.touch(key)
  }

  /** `staleUntil`: when the stale value held for this key expires. */
  failure(key: string, now: number, staleUntil: number = now): SecretsError | undefined {
    const failing = this.#backOffs.get(key)
    if (failing === undefined) return undefined
    // What others say holds back only a reader that has a value, and the circuit decides by itself.
    const isForHolders = this.#isOver(failing, now) || isHeldBack(failing.error)
    if (isForHolders && now >= staleUntil) return undefined
    const until = now < staleUntil ? failing.restUntil : failing.retryAt
    return now < until ? failing.error : undefined
  }

  keep(entry: Omit<Entry, keyof Freshness | 'lifetime'>, lifetime: Freshness): void {
    this.drop(entry.key)
    this.dropAbsence(entry.key)
    this.#entries.set(entry.key, { ...entry, lifetime, ...lifetime, ...this.#untilRecheck(entry.held, lifetime) })
  }

  /**
   * Flights of this process compare by id, since a clock may go back a little. `sharedAt`: when
   * another process asked.
   */
  isOvertaken(call: Pick<Call, 'key' | 'id' | 'askedAt'>, sharedAt?: number): boolean {
    const entry = this.#entries.get(call.key)
    return entry !== undefined && isLater(entry, call, sharedAt)
  }

  /** Refreshes it soon, if it is fresh by the TTL. */
  retain(entry: Entry, now: number): boolean {
    const { refreshAt: soon } = briefly(entry.lifetime, now)
    if (now < soon) Object.assign(entry, { refreshAt: soon, freshUntil: Math.max(soon, entry.freshUntil) })
    return now < soon
  }

  /** A value that needs no refresh, whatever the shared cache has. */
  young(key: string, now: number): Entry | undefined {
    const entry = this.#entries.get(key)
    // A lease is never refreshed, but ends.
    return entry && now < Math.min(entry.lifetime.refreshAt, entry.lifetime.freshUntil) ? entry : undefined
  }

  confirm(key: string, now: number): Entry | undefined {
    const entry = this.young(key, now)
    return entry && Object.assign(entry, this.#untilRecheck(entry.held, entry.lifetime))
  }

  /** `isBehind`: the store may not show a write of this process yet. */
  recordAbsence(key: string, now: number, isBehind = false): void {
    const before = this.#absences.get(key)
    this.#absences.set(key, (isBehind ? briefAbsence : absence)(before, now, this.#options))
    if (before !== undefined) endAbsence(before)
  }

  /** A read probes the shared cache now. */
  recordProbe(key: string, now: number): void {
    this.#probeAt.set(key, now + shortened(this.#options.recheckMs ?? Infinity))
  }

  /** If so, the read probes it. */
  takeProbe(key: string, now: number): boolean {
    const isDue = this.#options.recheckMs !== undefined && now >= (this.#probeAt.get(key) ?? now)
    if (isDue) this.recordProbe(key, now)
    return isDue
  }

  /** Adds the time from which the store may be asked again. */
  recordFailure(key: string, error: SecretsError, begunAt: number, now: number): SecretsError {
    const before = this.#backOffs.get(key)
    // A call that overlapped the latest failure tells nothing new.
    if (before !== undefined && isOutage(error.code) && begunAt < before.at && before.at <= now) return before.error
    const staleUntil = isOutage(error.code) ? this.#entries.get(key)?.staleUntil : undefined
    const failing = backOff(error, before, now, { staleUntil, isShared: this.#options.recheckMs !== undefined })
    if (!isHeldBack(error)) this.#backOffs.set(key, failing)
    // The circuit sets the time; the back-off only spreads readers that have a stale value.
    else if (staleUntil !== undefined) this.#backOffs.set(key, { ...failing, error, retryAt: error.retryAt ?? now })
    return isHeldBack(error) ? error : failing.error
  }

  /** A value that is older than a known change spares no call, so its reader returns as one without. */
  endRest(key: string, changes: Changes | undefined): void {
    const failing = changes?.invalidatedAt === undefined ? undefined : this.#backOffs.get(key)
    if (failing !== undefined) this.#backOffs.set(key, { ...failing, restUntil: Math.min(failing.restUntil, failing.retryAt) })
  }

  outage(key: string): SecretsError | undefined {
    const error = this.#backOffs.get(key)?.error
    return error !== undefined && isOutage(error.code) ? error : undefined
  }

  /** Why an attempt will probably fail now: the last one did, not long ago. */
  expected(key: string, now: number): SecretsError | undefined {
    const failing = this.#backOffs.get(key)
    return failing !== undefined && isTelling(failing, now) && !this.#isOver(failing, now) ? failing.error : undefined
  }

  #isOver({ error, at }: BackOff, now: number): boolean {
    const { recoveredAt } = this.#options.circuit
    return isOutage(error.code) && at < recoveredAt && recoveredAt <= now
  }

  #untilRecheck({ metadata }: SecretBytes, lifetime: Freshness): Omit<Freshness, 'staleUntil'> | undefined {
    const { recheckMs } = this.#options
    return recheckMs === undefined || metadata.exclusive ? undefined : untilRecheck(lifetime, Date.now(), recheckMs)
  }

  endBackOff(key: string): void {
    this.#backOffs.delete(key)
  }

  dropAbsence(key: string): void {
    const absent = this.#absences.delete(key)
    if (absent !== undefined) endAbsence(absent)
  }

  drop(key: string): void {
    const entry = this.#entries.delete(key)
    if (entry !== undefined) this.#leave(entry)
  }

  #leave(entry: Entry): void {
    if (entry.key === entry.path) noteValue(this.traces, entry.path, entry.held)
    for (const forget of entry.leaving) forget()
    entry.held.release()
  }

  dropOlder(key: string, call: Call, isSharedToo: boolean): void {
    for (const [each, entry] of this.#entries.entries()) {
      const isKept = isLater(entry, call) && !(entry.flight.isShared && isSharedToo)
      if ((each === key || entry.path === key) && !isKept) this.drop(each)
    }
  }

  expire(path: string, now: number): void {
    const end = { refreshAt: now, freshUntil: now }
    for (const [, entry] of this.#entries.entries()) {
      if (entry.path === path) Object.assign(entry, end, { lifetime: { ...entry.lifetime, ...end } })
    }
  }

  forgetPath(path: string): void {
    for (const [key, entry] of this.#entries.entries()) if (entry.path === path) this.drop(key)
    for (const [key] of this.#absences.entries()) if (pathOf(key) === path) this.dropAbsence(key)
    for (const times of [this.#backOffs, this.#probeAt]) for (const [key] of times.entries()) if (pathOf(key) === path) times.delete(key)
  }

  clear(): void {
    for (const [key] of this.#entries.entries()) this.drop(key)
    for (const [key] of this.#absences.entries()) this.dropAbsence(key)
    for (const times of [this.#backOffs, this.#probeAt]) for (const [key] of times.entries()) times.delete(key)
  }
}

function isLater({ held, flight }: Entry, { id, askedAt }: Pick<Call, 'id' | 'askedAt'>, sharedAt?: number): boolean {
  const later = held.metadata.askedAt - (sharedAt ?? askedAt)
  const areAlike = flight.isShared === (sharedAt !== undefined)
  // At the same time, our own store's answer wins.
  if (!areAlike && later === 0) return !flight.isShared
  const areBothOurs = areAlike && !flight.isShared
  return areBothOurs || later === 0 ? flight.id > id : later > 0
}
