import { jittered } from '../../guard/deadline.ts'
import { Lru } from '../keys/lru.ts'
import { warnOfSharedCache } from './blocked-paths.ts'

const most = 10_000
const firstPauseMs = 500
const longestPauseMs = 60_000

interface Pending {
  readonly path: string
  /** Least versions to send, in order. 0 lifts the former one; empty keeps it. */
  readonly leastVersions: readonly number[]
  readonly failedAt: number
  readonly number: number
}

export interface PendingOptions {
  /** Older shared answers must not be served when a path leaves the list. */
  readonly forget: (path: string, askedBefore: number) => void
  /** Resolves after `acknowledged`, and rejects after `failed`. */
  readonly retry: (path: string) => Promise<void>
  readonly closing: AbortSignal
}

/**
 * Retried one at a time with back-off, since an outage concerns all of them. No read is needed: a
 * process that only writes also has to tell the others.
 */
export class PendingInvalidations {
  readonly #options: PendingOptions
  readonly #pending: Lru<Pending>
  #failures = 0
  #pauses = 0
  #timer: NodeJS.Timeout | undefined
  #isRetrying = false
  #hasWarned = false

  constructor(options: PendingOptions) {
    this.#options = options
    this.#pending = new Lru(most, ({ path, failedAt }) => {
      // It may have been asked before the write, in the same millisecond.
      options.forget(path, failedAt + 1)
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

  acknowledged(path: string, mark: number): void {
    this.#pauses = 0
    this.#hasWarned = false
    if ((this.#pending.get(path)?.number ?? 0) <= mark) this.#pending.delete(path)
    void this.#retryAll()
  }

  failed(path: string, leastVersion: number | undefined, now: number): void {
    const leastVersions = merged(this.#pending.get(path)?.leastVersions ?? [], leastVersion)
    this.#pending.set(path, { path, leastVersions, failedAt: now, number: (this.#failures += 1) })
    if (this.#timer !== undefined || this.#options.closing.aborted) return
    const onTime = (): void => {
      this.#timer = undefined
      void this.#retryAll()
    }
    this.#timer = setTimeout(onTime, jittered(Math.min(firstPauseMs * 2 ** this.#pauses, longestPauseMs))).unref()
    this.#pauses += 1
  }

  /** The earliest first, until one fails. */
  async #retryAll(): Promise<void> {
    if (this.#isRetrying) return
    this.#isRetrying = true
    clearTimeout(this.#timer)
    this.#timer = undefined
    try {
      for (let path = this.#earliest(); path !== undefined; path = this.#earliest()) await this.#options.retry(path)
    } catch {
      // `failed` has set the timer.
    } finally {
      this.#isRetrying = false
    }
  }

  #earliest(): string | undefined {
    const [earliest] = this.#options.closing.aborted ? [] : this.#pending.entries()
    return earliest?.[0]
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
