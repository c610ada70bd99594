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
}

export interface PendingOptions {
  /** Older shared answers must not be served when a path leaves the list. */
  readonly forget: (path: string, askedBefore: number) => void
  /** Resolves after `acknowledged`, and rejects after `failed`. */
  readonly retry: (path: string) => Promise<void>
  readonly closing: AbortSignal
}

/**
 * Retried one after the other with back-off, since an outage concerns many of them. No read is
 * needed: a process that only writes also has to tell the others. Attempts of one path must not
 * overlap.
 */
export class PendingInvalidations {
  readonly #options: PendingOptions
  readonly #pending: Lru<Pending>
  #pauseMs = firstPauseMs
  #timer: NodeJS.Timeout | undefined
  #isRetrying = false
  #hasWarned = false
  /** Without the context of a request: none waits for it, and an outage would keep it. */
  readonly #retry: () => void

  constructor(options: PendingOptions) {
    this.#options = options
    this.#retry = process.getBuiltinModule('node:async_hooks').AsyncResource.bind(() => void this.#retrySome())
    this.#pending = new Lru(most, ({ path, failedAt }) => {
      // It may have been asked before the write, in the same millisecond.
      options.forget(path, failedAt + 1)
      this.#warn()
    })
  }

  get size(): number {
    return this.#pending.size
  }

  /** Reading must not put a path's retry off. */
  has(path: string): boolean {
    return this.#pending.peek(path) !== undefined
  }

  /** A later success must not lose the versions of an earlier failure. */
  leastVersions(path: string, leastVersion: number | undefined): readonly (number | undefined)[] {
    const all = merged(this.#pending.peek(path)?.leastVersions ?? [], leastVersion)
    return all.length === 0 ? [undefined] : all
  }

  acknowledged(path: string): void {
    this.#pauseMs = firstPauseMs
    this.#hasWarned = false
    this.#pending.delete(path)
    this.#retry()
  }

  failed(path: string, leastVersion: number | undefined): void {
    const leastVersions = merged(this.#pending.peek(path)?.leastVersions ?? [], leastVersion)
    this.#pending.set(path, { path, leastVersions, failedAt: Date.now() })
    this.#retryLater()
  }

  /** The next pause begins when the attempts under way have ended. */
  #retryLater(): void {
    if (this.#isRetrying || this.#timer !== undefined || this.#earliest() === undefined) return
    this.#timer = setTimeout(this.#retry, jittered(this.#pauseMs)).unref()
    this.#pauseMs = Math.min(2 * this.#pauseMs, longestPauseMs)
  }

  /**
   * The earliest first. More at a time after a longer pause: while one server of a cluster is away,
   * its paths must not hold up those of the others.
   */
  async #retrySome(): Promise<void> {
    if (this.#isRetrying) return
    this.#isRetrying = true
    clearTimeout(this.#timer)
    this.#timer = undefined
    const mostFailures = this.#pauseMs / firstPauseMs
    let failures = 0
    for (let path = this.#earliest(); path !== undefined && failures < Math.min(mostFailures, this.size); path = this.#earliest()) {
      failures = await this.#options.retry(path).then(
        () => 0,
        () => failures + 1,
      )
    }
    this.#isRetrying = false
    this.#retryLater()
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
