import { jittered } from '../../guard/deadline.ts'
import { limiter } from '../../guard/limiter.ts'
import { Lru } from '../keys/lru.ts'
import { warnOfSharedCache } from './blocked-paths.ts'

const most = 10_000
const firstPauseMs = 500
const longestPauseMs = 60_000
const atOnceInClose = 25

interface Pending {
  readonly path: string
  /** Least versions to send, in order. 0 lifts the former one; empty keeps it. */
  readonly leastVersions: readonly number[]
  readonly failedAt: number
}

export interface PendingOptions {
  /** Older shared answers must not be served when a path leaves the list. */
  readonly forget: (path: string, askedBefore: number) => void
  /** Resolves when the shared cache has acknowledged it. */
  readonly send: (path: string, leastVersion: number | undefined) => Promise<void>
  readonly closing: AbortSignal
}

/**
 * Sends invalidations, and keeps those that the shared cache did not acknowledge. They are retried
 * one after the other with back-off, since an outage concerns many of them. No read is needed: a
 * process that only writes also has to tell the others.
 */
export class PendingInvalidations {
  readonly #options: PendingOptions
  readonly #pending: Lru<Pending>
  /** The last invalidation of each path that has not ended. */
  readonly #sending = new Map<string, Promise<void>>()
  #pauseMs = firstPauseMs
  #timer: NodeJS.Timeout | undefined
  #isRetrying = false
  #hasWarned = false
  /** Without the context of a request: none waits for it, and an outage would keep it. */
  readonly #retryNow: () => void

  constructor(options: PendingOptions) {
    this.#options = options
    this.#retryNow = process.getBuiltinModule('node:async_hooks').AsyncResource.bind(() => void this.#retrySome())
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

  isSending(path: string): boolean {
    return this.#sending.has(path)
  }

  /**
   * Rejects without an acknowledgement, and retries it later. Those of one path never overlap: a
   * former one that arrives last would lower the least version.
   */
  invalidate(path: string, leastVersion?: number): Promise<void> {
    const send = (): Promise<void> => this.#send(path, leastVersion)
    const sending = this.#sending.get(path)?.then(send, send) ?? send()
    const end = (): void => {
      if (this.#sending.get(path) === sending) this.#sending.delete(path)
    }
    this.#sending.set(path, sending)
    sending.then(end, end)
    return sending
  }

  /**
   * A last time before the close, until the signal is aborted. Thousands at once would make each so
   * slow that none is acknowledged in time.
   */
  async retryAll(ending: AbortSignal): Promise<void> {
    const limit = limiter(atOnceInClose)
    const retry = async (path: string): Promise<void> => {
      if (this.has(path) && !ending.aborted) await this.#retry(path).catch(() => {})
    }
    await Promise.all(Array.from(this.#pending.entries(), ([path]) => limit(() => retry(path))))
  }

  async #send(path: string, leastVersion: number | undefined): Promise<void> {
    // A success must not lose the versions of an earlier failure.
    const leastVersions = merged(this.#pending.peek(path)?.leastVersions ?? [], leastVersion)
    try {
      for (const least of leastVersions.length === 0 ? [undefined] : leastVersions) await this.#options.send(path, least)
    } catch (error) {
      this.#pending.set(path, { path, leastVersions, failedAt: Date.now() })
      this.#retryLater()
      throw error
    }
    this.#pauseMs = firstPauseMs
    this.#hasWarned = false
    this.#pending.delete(path)
    this.#retryNow()
  }

  #retry(path: string): Promise<void> {
    return this.#sending.get(path) ?? this.invalidate(path)
  }

  /** The next pause begins when the attempts under way have ended. */
  #retryLater(): void {
    if (this.#isRetrying || this.#timer !== undefined || this.#earliest() === undefined) return
    this.#timer = setTimeout(this.#retryNow, jittered(this.#pauseMs)).unref()
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
      failures = await this.#retry(path).then(
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
