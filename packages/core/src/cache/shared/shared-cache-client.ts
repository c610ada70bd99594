import { bounded, type Bounds, freezeDetector } from '../../guard/deadline.ts'
import type { LeaseToken, SharedCache, SharedKey } from '../../contract/shared-cache.ts'
import type { PartHealth } from '../../contract/audit.ts'
import type { StoredSecret } from '../../contract/provider.ts'
import { CircuitBreaker, unhurried } from '../../guard/circuit-breaker.ts'
import { HighWaterMark } from './high-water-mark.ts'
import { PartTracker } from '../../guard/part-tracker.ts'
import { LoadAwareClock } from '../../guard/load-aware-clock.ts'
import { SecretsError } from '../../errors/secrets-error.ts'
import { earlier, type Moment, presentMoment } from '../../value/moment.ts'
import { own } from '../../errors/own-properties.ts'
import { storedSecretOf } from '../../guard/check-answer.ts'
import { PendingInvalidations } from './pending-invalidations.ts'
import { copyOf, isSame, newestOf } from './stored-copies.ts'

/** A slower shared cache costs more than the store that it spares. */
const defaultLongestReadMs = 250

export interface SharedAnswer {
  /** It may be served; `askedAt`: when its store was asked, by the clock of that process. */
  readonly hit: { readonly secret: StoredSecret; readonly askedAt: number; readonly givenAt: Moment } | undefined
  /** What it holds, even if that may not be served. */
  readonly holds: unknown
  /** There is a gap to fill, with this token. */
  readonly leaseToken: LeaseToken | undefined
  /** It was unreachable or must not be asked, so it says nothing about memory. */
  readonly isUnavailable: true | undefined
}

/** Own members, so that a polluted prototype does not show through. */
export const emptyAnswer: SharedAnswer = { hit: undefined, holds: undefined, leaseToken: undefined, isUnavailable: undefined }
export const unavailable: SharedAnswer = { ...emptyAnswer, isUnavailable: true }

export interface SharedCacheClientOptions extends Bounds {
  readonly lifeMs: number
  readonly recheckMs: number
  /** Ends background fills, which outlast `closing`. */
  readonly closingFills: AbortSignal
}

type Version = SharedKey['version']

/**
 * It may be older than what this process has seen, and may fail: reads survive that, writes report
 * it.
 */
export class SharedCacheClient {
  readonly #cache: SharedCache
  readonly #sharedAs: string
  readonly #options: SharedCacheClientOptions
  readonly #longestReadMs: number
  readonly #circuit = new CircuitBreaker({ pace: unhurried })
  readonly #tracker = new PartTracker()
  readonly #clock = new LoadAwareClock()
  readonly #highWaterMark = new HighWaterMark()
  readonly #pending = new PendingInvalidations((path, askedBefore) => this.#highWaterMark.raise(path, undefined, askedBefore))
  readonly #tasks = new Set<Promise<void>>()

  constructor(cache: SharedCache, sharedAs: string, options: SharedCacheClientOptions) {
    this.#cache = cache
    this.#sharedAs = sharedAs
    this.#options = options
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
   * Takes at most `longestReadMs` (250 ms by default), and no time while the circuit is open.
   * Throws `UNAVAILABLE` if the cache is unreachable and fails closed.
   */
  async read(path: string, version: Version): Promise<SharedAnswer> {
    if (this.#pending.has(path)) {
      if (this.#pending.begin(path, Date.now())) this.#invalidateInBackground(path, undefined)
      return unavailable
    }
    const answer = await this.#answer(path, version)
    if (answer.isUnavailable && own(this.#cache, 'failClosed') === true) throw failedClosed()
    return answer
  }

  async #answer(path: string, version: Version): Promise<SharedAnswer> {
    const now = Date.now()
    if (this.#circuit.refusal(now) !== undefined) return unavailable
    const spannedGap = freezeDetector(this.#longestReadMs)
    try {
      const answer = this.#checked(path, version, now, await this.#ask(path, version, now))
      this.#circuit.succeeded()
      if (answer.isUnavailable) this.#tracker.failed(notAsked)
      else this.#tracker.answered()
      return answer
    } catch {
      if (spannedGap()) this.#circuit.withdrawn()
      else {
        this.#tracker.failed(notAsked)
        this.#circuit.failed([path], Date.now(), failedClosed())
      }
      return unavailable
    }
  }

  /** Bars older answers. */
  saw(path: string, version: Version, askedAt: number): void {
    this.#highWaterMark.raise(path, version, askedAt)
  }

  /**
   * Fills the gap, or invalidates what differs from the store's answer. In the background: only
   * `drain` waits.
   */
  publish(path: string, version: Version, answer: SharedAnswer, stored: StoredSecret | undefined, askedAt: number): void {
    const isWrong = answer.holds !== undefined && !isSame(answer.holds, stored)
    if (isWrong || this.#pending.has(path)) this.#invalidateInBackground(path, newestOf(answer.holds, stored))
    else this.#fill(path, version, answer, stored, askedAt)
  }

  /** Announces a withdrawal, so that others drop their values. In the background. */
  withdrawn(path: string, answer: SharedAnswer, heldVersion: number = 0): void {
    this.#invalidateInBackground(path, Math.max(newestOf(answer.holds, undefined) ?? 0, heldVersion) || undefined)
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
    const invalidating = this.#invalidate(path, leastVersion, this.#backgroundBounds())
    this.waitFor(invalidating)
    try {
      await invalidating
    } catch {
      throw new SecretsError('UNAVAILABLE', 'written, but the shared cache did not acknowledge the invalidation', {
        effect: 'done',
        remedy: 'other processes may serve the former value until its TTL ends, or until this process reaches the shared cache again',
      })
    }
  }

  /** Returns a function that ends it. */
  subscribe(listener: (path: string) => void): () => void {
    let isHeard = true
    const onMessage = (key: unknown): void => {
      const path = own(key, 'path')
      if (isHeard && typeof path === 'string' && own(key, 'sharedAs') === this.#sharedAs) listener(path)
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

  async drain(): Promise<void> {
    await Promise.all(this.#tasks)
  }

  #ask(path: string, version: Version, now: number): Promise<unknown> {
    const late = new AbortController()
    const stop = this.#clock.after(this.#longestReadMs, () => late.abort())
    const bounds = { ...this.#options, deadlineMs: Infinity, signal: late.signal }
    const notBefore = now - this.#options.lifeMs
    return bounded((signal) => this.#cache.read(this.#key(path, version), { signal, notBefore }), bounds).finally(stop)
  }

  /** An entry must not outlive those filled here. */
  #checked(path: string, version: Version, now: number, answer: unknown): SharedAnswer {
    const [hit, until, leaseToken] = [own(answer, 'hit'), own(answer, 'until'), own(answer, 'leaseToken')]
    const holds = storedSecretOf(hit) ?? hit
    // The token is opaque to core and goes back unchanged.
    if (holds === undefined && own(answer, 'unavailable') === true) return unavailable
    if (holds === undefined) return { ...emptyAnswer, leaseToken: isObject(leaseToken) ? (leaseToken as LeaseToken) : undefined }
    const { lifeMs } = this.#options
    const askedAt = Math.min(askedAtOf(answer) ?? Number(until) - lifeMs, now)
    const isOver = !(typeof until === 'number' && until > Date.now() && askedAt + lifeMs > Date.now())
    const isUsable = !isOver && isShareable(holds, version)
    if (!isUsable || !this.#highWaterMark.admits(path, version, askedAt)) return { ...emptyAnswer, holds }
    this.#highWaterMark.raise(path, version, askedAt)
    // The server keeps an entry no longer than this, whatever its writer's clock shows.
    const givenAt = earlier(presentMoment(), Math.max(lifeMs, until - askedAt))
    return { ...emptyAnswer, holds, hit: { secret: holds, askedAt, givenAt } }
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
  async #invalidate(path: string, leastVersion: number | undefined, bounds: Bounds): Promise<void> {
    const { mark } = this.#pending
    try {
      for (const least of this.#pending.leastVersions(path, leastVersion)) {
        await bounded((signal) => this.#cache.invalidate({ sharedAs: this.#sharedAs, path, leastVersion: least }, { signal }), bounds)
      }
      this.#pending.acknowledged(path, mark)
    } catch (error) {
      this.#pending.failed(path, leastVersion, Date.now())
      this.#tracker.failed('it did not acknowledge an invalidation, so other processes may serve a former value')
      throw error
    }
  }

  #invalidateInBackground(path: string, leastVersion: number | undefined): void {
    this.#inBackground(() => this.#invalidate(path, leastVersion, this.#backgroundBounds()))
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

function askedAtOf(answer: unknown): number | undefined {
  const askedAt = own(answer, 'askedAt')
  return isDuration(askedAt) ? askedAt : undefined
}

function isDuration(number: unknown): number is number {
  return typeof number === 'number' && number >= 0 && number < Infinity
}

const notAsked = 'it cannot be asked, so that reads ask the store'

function failedClosed(): SecretsError {
  return new SecretsError('UNAVAILABLE', 'the shared cache cannot be asked, and fails closed', {
    remedy: 'bring it back, or let `failClosed` be false',
  })
}

function isShareable(hit: unknown, version: Version): hit is StoredSecret {
  const secret = storedSecretOf(hit)
  if (secret === undefined || secret.exclusive) return false
  return (typeof version !== 'number' || secret.version === version) && (secret.expiresAt ?? Infinity) > Date.now()
}

function isObject(answer: unknown): answer is Readonly<Record<string, unknown>> {
  return typeof answer === 'object' && answer !== null
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
