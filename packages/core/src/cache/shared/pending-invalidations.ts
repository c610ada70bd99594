import { backOff, type BackOff } from '../../guard/back-off.ts'
import { Lru } from '../keys/lru.ts'
import { SecretsError } from '../../errors/secrets-error.ts'
import { warnOfSharedCache } from './blocked-paths.ts'

const most = 10_000
/** Another attempt ends long before that, unless the clock was set. */
const longestMs = 60_000

interface Pending {
  readonly path: string
  /** Least versions to send, in order. 0 lifts the former one; empty keeps it. */
  readonly leastVersions: readonly number[]
  readonly failedAt: number
  readonly number: number
}

/** Older shared answers must not be served when a path leaves the list. */
type Forget = (path: string, askedBefore: number) => void

/** Retried one at a time with back-off, since an outage concerns all of them. */
export class PendingInvalidations {
  readonly #pending: Lru<Pending>
  #failures = 0
  #failing: BackOff | undefined
  #nextAt = 0
  #hasWarned = false

  constructor(forget: Forget) {
    this.#pending = new Lru(most, ({ path, failedAt }) => {
      // It may have been asked before the write, in the same millisecond.
      forget(path, failedAt + 1)
      this.#warn()
    })
  }

  get size(): number {
    return this.#pending.size
  }

  has(path: string): boolean {
    return this.#pending.get(path) !== undefined
  }

  /** Pass it to `acknowledged` when an attempt that begins now succeeds. */
  get mark(): number {
    return this.#failures
  }

  /** A later success must not lose the versions of an earlier failure. */
  leastVersions(path: string, leastVersion: number | undefined): readonly (number | undefined)[] {
    const all = merged(this.#pending.get(path)?.leastVersions ?? [], leastVersion)
    return all.length === 0 ? [undefined] : all
  }

  /** Whether to retry now; if so, `acknowledged` or `failed` must follow. */
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
    const leastVersions = merged(this.#pending.get(path)?.leastVersions ?? [], leastVersion)
    this.#pending.set(path, { path, leastVersions, failedAt: now, number: (this.#failures += 1) })
    this.#failing = backOff(new SecretsError('UNAVAILABLE', 'an invalidation was not acknowledged'), this.#failing, now, { longestMs })
    this.#nextAt = this.#failing.retryAt
  }

  #warn(): void {
    if (!this.#hasWarned) {
      warnOfSharedCache(
        `the shared cache did not acknowledge more than ${most} invalidations, and the earliest are given up. Other processes may serve former values until their TTL ends`,
      )
    }
    this.#hasWarned = true
  }
}

/** Versions only rise, but begin anew after a lift. */
function merged(before: readonly number[], next: number | undefined): readonly number[] {
  if (next === undefined) return before
  if (next === 0) return [0]
  const least = Math.max(next, before.at(-1) ?? 0)
  return before[0] === 0 ? [0, least] : [least]
}
