import { backOff, type BackOff } from '../../guard/back-off.ts'
import { Lru } from '../keys/lru.ts'
import { SecretsError } from '../../errors/secrets-error.ts'
import { warnOfSharedCache } from './blocked-paths.ts'

const most = 10_000
/** Telling again ends long before that, unless the clock was set. */
const longestMs = 60_000

/** One invalidation that the shared cache did not acknowledge. */
interface Pending {
  readonly path: string
  /** The least versions to tell, in order: 0 lifts the one before. Empty: that one stands. */
  readonly leastVersions: readonly number[]
  readonly failedAt: number
  /** Failures are numbered. */
  readonly number: number
}

/** The path is pending no more: what was asked of its store before that time is not to be served from the shared cache. */
type Forget = (path: string, askedBefore: number) => void

/**
 * Pending invalidations: the shared cache holds, or may hold, what it should not, and could not be told so. They are
 * tried again one at a time, and later with each failure, since a cache that was out of reach for one is so for all.
 */
export class PendingInvalidations {
  readonly #pending: Lru<Pending>
  #failures = 0
  #failing: BackOff | undefined
  #nextAt = 0
  #hasWarned = false

  constructor(forget: Forget) {
    this.#pending = new Lru(most, ({ path, failedAt }) => {
      // In the same millisecond it may have been asked before the write.
      forget(path, failedAt + 1)
      this.#warn()
    })
  }

  has(path: string): boolean {
    return this.#pending.get(path) !== undefined
  }

  /** What to pass to `told` once telling that begins now has succeeded. */
  get mark(): number {
    return this.#failures
  }

  /** The least versions to tell now, in order: a later success must not lose those of an earlier failure. */
  leastVersions(path: string, leastVersion: number | undefined): readonly (number | undefined)[] {
    const all = joined(this.#pending.get(path)?.leastVersions ?? [], leastVersion)
    return all.length === 0 ? [undefined] : all
  }

  /** Whether to tell of this path again now; if so, `told` or `failed` must follow. */
  begin(path: string, now: number): boolean {
    if (!this.has(path) || (now < this.#nextAt && this.#nextAt - now <= longestMs)) return false
    this.#nextAt = now + longestMs
    return true
  }

  acknowledged(path: string, mark: number): void {
    this.#failing = undefined
    this.#nextAt = 0
    this.#hasWarned = false
    if ((this.#pending.get(path)?.number ?? 0) <= mark) this.#pending.delete(path)
  }

  failed(path: string, leastVersion: number | undefined, now: number): void {
    const leastVersions = joined(this.#pending.get(path)?.leastVersions ?? [], leastVersion)
    this.#pending.set(path, { path, leastVersions, failedAt: now, number: (this.#failures += 1) })
    this.#failing = backOff(new SecretsError('UNAVAILABLE', 'the level could not be told'), this.#failing, now, { longestMs })
    this.#nextAt = this.#failing.retryAt
  }

  #warn(): void {
    if (!this.#hasWarned) {
      warnOfSharedCache(
        `the shared cache could not be acknowledged of more than ${most} writes, and will not be acknowledged of the earliest: other processes may serve former values until their TTL ends`,
      )
    }
    this.#hasWarned = true
  }
}

/** Versions go up, but behind a lift they begin anew. */
function joined(before: readonly number[], next: number | undefined): readonly number[] {
  if (next === undefined) return before
  if (next === 0) return [0]
  const least = Math.max(next, before.at(-1) ?? 0)
  return before[0] === 0 ? [0, least] : [least]
}
