import { bounded, type Bounds, freezeDetector } from '../../guard/deadline.ts'
import type { SharedCache, SharedKey, SharedReadContext } from '../../contract/shared-cache.ts'
import type { PartHealth } from '../../contract/audit.ts'
import type { StoredSecret } from '../../contract/provider.ts'
import { CircuitBreaker, unhurried } from '../../guard/circuit-breaker.ts'
import { HighWaterMark } from './high-water-mark.ts'
import { PartTracker } from '../../guard/part-tracker.ts'
import { LoadAwareClock } from '../../guard/load-aware-clock.ts'
import { SecretsError } from '../../errors/secrets-error.ts'
import { own } from '../../errors/own-properties.ts'
import { copyOf, isSame, newestOf } from './compare-secrets.ts'
import { type HeldAnswer, Invalidations } from './invalidations.ts'
import { PendingInvalidations } from './pending-invalidations.ts'
import { checkedSharedAnswer, isDuration, type SharedAnswer, unavailable } from './shared-answer.ts'

/** A slower shared cache costs more than the store that it spares. */
const defaultLongestReadMs = 250
/** Whatever the path: the back-offs of paths are those of the store. */
const opensAfter = { failures: 3, paths: 1 }

export interface SharedCacheClientOptions extends Bounds {
  readonly lifeMs: number
  readonly recheckMs: number
  /** Ends background fills, which outlast `closing`. */
  readonly closingFills: AbortSignal
}

type Version = SharedKey['version']
type SharedReader = Pick<SharedReadContext, 'isRecheck' | 'canWait'>

/**
 * It may be older than what this process has seen, and may fail: reads survive that, writes report
 * it.
 */
export class SharedCacheClient {
  readonly #cache: SharedCache
  readonly #sharedAs: string
  readonly #options: SharedCacheClientOptions
  readonly #longestReadMs: number
  readonly #circuit = new CircuitBreaker({ pace: unhurried, opensAfter })
  readonly #tracker = new PartTracker()
  readonly #clock = new LoadAwareClock()
  #failedAt = -Infinity
  readonly #highWaterMark = new HighWaterMark()
  readonly #invalidations: Invalidations
  readonly #pending: PendingInvalidations
  readonly #tasks = new Set<Promise<void>>()

  constructor(cache: SharedCache, sharedAs: string, options: SharedCacheClientOptions) {
    this.#cache = cache
    this.#sharedAs = sharedAs
    this.#options = options
    this.#invalidations = new Invalidations({ recheckMs: options.recheckMs, longestMs: options.lifeMs })
    this.#pending = new PendingInvalidations({
      forget: (path, askedBefore) => this.#highWaterMark.raise(path, undefined, askedBefore),
      send: (path, leastVersion) => this.#sendInvalidation(path, leastVersion),
      closing: options.closing,
    })
    const longest = own(cache, 'longestReadMs')
    this.#longestReadMs = Math.min(isDuration(longest) ? longest : defaultLongestReadMs, options.deadlineMs)
  }

  /** By the last call that reached it or did not. */
  get health(): PartHealth {
    return this.#tracker.health()
  }

  get recheckMs(): number {
    return this.#options.recheckMs
  }

  /** Whether it is left alone after failures in a row, and how many changes others may not know yet. */
  get status(): { readonly isCoolingDown: boolean; readonly pendingInvalidations: number } {
    return { isCoolingDown: this.#circuit.outage !== undefined, pendingInvalidations: this.#pending.size }
  }

  /**
   * Takes at most `longestReadMs` (250 ms by default), and no time while the circuit is open: then
   * probes run in the background. Throws `UNAVAILABLE` if the cache is unreachable and fails closed.
   */
  async read(path: string, version: Version, reader: SharedReader = {}): Promise<SharedAnswer> {
    if (this.#pending.has(path)) return unavailable
    const answer = await this.#answer(path, version, reader)
    if (answer.isUnavailable && this.#failsClosed) throw failedClosed()
    if (answer.hit !== undefined) this.#highWaterMark.raise(path, version, answer.hit.askedAt)
    return answer
  }

  async #answer(path: string, version: Version, reader: SharedReader): Promise<SharedAnswer> {
    const now = Date.now()
    if (this.#circuit.refusal(now) !== undefined) return unavailable
    if (this.#circuit.outage === undefined || this.#failsClosed) return this.#tried(path, version, now, reader)
    // No reader waits to see whether it still hangs.
    this.#inBackground(async () => this.releaseLease(path, version, await this.#tried(path, version, now, { isRecheck: true })))
    return unavailable
  }

  async #tried(path: string, version: Version, now: number, reader: SharedReader): Promise<SharedAnswer> {
    const begunAt = performance.now()
    const spannedGap = freezeDetector(this.#longestReadMs)
    try {
      const answer = await this.#ask(path, version, now, reader)
      if (answer.isUnavailable) this.#failed(path, begunAt)
      else this.#answered()
      return answer
    } catch {
      if (spannedGap()) this.#circuit.withdrawn()
      else this.#failed(path, begunAt)
      return unavailable
    }
  }

  #answered(): void {
    this.#tracker.answered()
    this.#circuit.succeeded()
  }

  /** Reads that fail together count once. */
  #failed(path: string, begunAt: number): void {
    this.#tracker.failed(notAsked)
    if (begunAt < this.#failedAt) return
    this.#failedAt = performance.now()
    this.#circuit.failed([path], Date.now(), failedClosed())
  }

  get #failsClosed(): boolean {
    return own(this.#cache, 'failClosed') === true
  }

  /**
   * Whether a value that is fresh in memory may be older than a change. What the cache has lost, and
   * what it holds from before, is no change.
   */
  mayOutdate(path: string, version: Version, { changes, isUnavailable }: SharedAnswer, held: HeldAnswer): boolean {
    if (isUnavailable) return false
    return changes === undefined || this.#invalidations.concern(path, version, changes, held)
  }

  /** The cache holds the value that memory has now. */
  agreed(path: string, version: Version, { changes }: SharedAnswer): void {
    if (changes !== undefined) this.#invalidations.held(path, version, changes)
  }

  /** Bars older answers, which a server has that was set back to an older state. */
  saw(path: string, version: Version, askedAt: number): void {
    this.#highWaterMark.raise(path, version, askedAt)
  }

  /**
   * Fills the gap, or invalidates what differs from the store's answer. In the background: only
   * `drain` waits.
   */
  publish(path: string, version: Version, answer: SharedAnswer, stored: StoredSecret | undefined, askedAt: number): void {
    if (answer.changes !== undefined) this.#invalidations.answered(path, version, answer.changes)
    const isWrong = answer.holds !== undefined && !isSame(answer.holds, stored)
    const isPending = this.#pending.has(path)
    // One under way needs no second one, and what is filled before it ends would be lost.
    const isRetried = isPending && this.#pending.isSending(path)
    if (isWrong || (isPending && !isRetried)) this.#invalidate(path, newestOf(answer.holds, stored)).catch(() => {})
    else this.#fill(path, version, answer, isRetried ? undefined : stored, askedAt)
  }

  /** Announces a withdrawal, so that others drop their values. In the background. */
  withdrawn(path: string, answer: SharedAnswer, heldVersion: number = 0): void {
    this.#invalidate(path, Math.max(newestOf(answer.holds, undefined) ?? 0, heldVersion) || undefined).catch(() => {})
  }

  /** Other processes that have a value wait for the store's return. In the background. */
  markOutage(path: string, version: Version, answer: SharedAnswer): void {
    const { leaseToken } = answer
    const mark = own(this.#cache, 'markOutage') === undefined ? undefined : this.#cache.markOutage
    if (leaseToken === undefined || mark === undefined) return this.releaseLease(path, version, answer)
    this.#inBackground(() => bounded((signal) => mark(this.#key(path, version), leaseToken, { signal }), this.#backgroundBounds()))
  }

  /** Releases the fill lease. In the background. */
  releaseLease(path: string, version: Version, answer: SharedAnswer): void {
    this.#fill(path, version, answer, undefined, 0)
  }

  /**
   * Refuses current values below `leastVersion`: undefined keeps the former bound, 0 lifts it.
   * Throws `UNAVAILABLE` with `effect: 'done'` without an acknowledgement.
   */
  async invalidate(path: string, leastVersion?: number): Promise<void> {
    this.saw(path, undefined, Date.now())
    try {
      await this.#invalidate(path, leastVersion)
    } catch {
      throw new SecretsError('UNAVAILABLE', 'written, but the shared cache did not acknowledge the invalidation', {
        effect: 'done',
        remedy: 'other processes may serve the former value until its TTL ends, or until this process reaches the shared cache again',
      })
    }
  }

  /** Bars what was asked before each change. Returns a function that ends it. */
  subscribe(listener: (path: string) => void): () => void {
    let isHeard = true
    const onMessage = (key: unknown, at: unknown): void => {
      const path = own(key, 'path')
      if (!isHeard || typeof path !== 'string' || own(key, 'sharedAs') !== this.#sharedAs) return
      this.saw(path, undefined, isDuration(at) ? Math.min(at, Date.now()) : Date.now())
      listener(path)
    }
    // Tolerable: writes of others then show when the TTL ends.
    const end = attempt(() => this.#cache.subscribe?.(onMessage))
    return () => {
      isHeard = false
      if (typeof end === 'function') attempt(() => end())
    }
  }

  waitFor(running: Promise<void>): void {
    this.#inBackground(() => running)
  }

  /** Before the close: invalidations that were not acknowledged are sent a last time. */
  async drain(): Promise<void> {
    await Promise.all([this.#pending.retryAll(this.#options.closingFills), ...this.#tasks])
  }

  async #ask(path: string, version: Version, now: number, { isRecheck = false, canWait = false }: SharedReader): Promise<SharedAnswer> {
    const { lifeMs } = this.#options
    // What this process may not take counts as a gap, so that the store's answer fills it.
    const notBefore = Math.max(now - lifeMs, this.#highWaterMark.of(path, version))
    const late = new AbortController()
    const stop = this.#clock.after(this.#longestReadMs, () => late.abort())
    const bounds = { ...this.#options, deadlineMs: Infinity, signal: late.signal }
    const run = (signal: AbortSignal): Promise<unknown> =>
      this.#cache.read(this.#key(path, version), { signal, notBefore, isRecheck, canWait })
    const given = await bounded(run, bounds).finally(stop)
    return checkedSharedAnswer(given, { version, now, lifeMs, seenUntil: this.#highWaterMark.of(path, version) })
  }

  #fill(path: string, version: Version, { leaseToken }: SharedAnswer, stored: StoredSecret | undefined, begunAt: number): void {
    if (leaseToken === undefined) return
    // The clock may have been set back meanwhile.
    const askedAt = Math.min(begunAt, Date.now())
    const until = Math.min(askedAt + this.#options.lifeMs, stored?.expiresAt ?? Infinity)
    // For some stores a past time means no expiry.
    const isKept = stored !== undefined && !stored.exclusive && until > Date.now()
    const entry = isKept ? { secret: copyOf(stored), until, askedAt } : undefined
    this.#inBackground(() =>
      bounded((signal) => this.#cache.fill(this.#key(path, version), leaseToken, entry, { signal }), this.#backgroundBounds()),
    )
  }

  /** Without an acknowledgement the path is not read there until a later attempt succeeds. */
  #invalidate(path: string, leastVersion: number | undefined): Promise<void> {
    const invalidating = this.#pending.invalidate(path, leastVersion)
    this.waitFor(invalidating)
    return invalidating
  }

  async #sendInvalidation(path: string, leastVersion: number | undefined): Promise<void> {
    const key = { sharedAs: this.#sharedAs, path, leastVersion }
    try {
      await bounded((signal) => this.#cache.invalidate(key, { signal }), this.#backgroundBounds())
      this.#tracker.answered()
    } catch (error) {
      this.#tracker.failed('it did not acknowledge an invalidation, so other processes may serve a former value')
      throw error
    }
  }

  #backgroundBounds(): Bounds {
    return { ...this.#options, closing: this.#options.closingFills }
  }

  #inBackground(run: () => Promise<void>): void {
    const task = run()
      .catch(() => {})
      .finally(() => this.#tasks.delete(task))
    this.#tasks.add(task)
  }

  #key(path: string, version: Version): SharedKey {
    return { sharedAs: this.#sharedAs, path, version }
  }
}

const notAsked = 'it cannot be asked, so that reads ask the store'

function failedClosed(): SecretsError {
  return new SecretsError('UNAVAILABLE', 'the shared cache cannot be asked, and fails closed', {
    remedy: 'bring it back, or let `failClosed` be false',
  })
}

/** Runs `run` and ignores any failure, also a later rejection. */
function attempt(run: () => unknown): unknown {
  try {
    const result = run()
    if (result instanceof Promise) result.catch(() => {})
    return result
  } catch {
    return undefined
  }
}
