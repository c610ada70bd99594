import { pause, throwIfAborted, untilAborted } from '@finchat/secrets-core/provider'
import { isBusy, lockedError } from './sqlite-errors.ts'

/** How long a call waits for another connection's lock. */
export interface LockWait {
  readonly signal: AbortSignal
  /** Fails with `UNAVAILABLE` after this time. */
  readonly lockTimeoutMs: number
}

const maxPauseMs = 25

/**
 * Calls that wait for one lock. Only the first retries: thousands of retries would stop the event
 * loop.
 */
export class LockQueue {
  #last: Promise<void> = Promise.resolve()
  #length = 0

  get isEmpty(): boolean {
    return this.#length === 0
  }

  /**
   * Takes the last place. `reached` resolves when all earlier calls have left. Call `leave` once.
   */
  enter(): { readonly reached: Promise<void>; readonly leave: () => void } {
    const reached = this.#last
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#last = reached.then(() => promise)
    this.#length++
    const leave = (): void => {
      this.#length--
      resolve()
    }
    return { reached, leave }
  }
}

/**
 * Retries `attempt` while a lock is held, with jitter. SQLite's own busy timeout would block the
 * event loop. Throws `ABORTED` when the signal fires.
 */
export async function retryWhileBusy<T>(
  attempt: () => T,
  { signal, lockTimeoutMs }: LockWait,
  queue: LockQueue = new LockQueue(),
): Promise<T> {
  const end = performance.now() + lockTimeoutMs // monotonic
  const tried = (): { readonly result: T } | undefined => {
    throwIfAborted(signal)
    try {
      return { result: attempt() }
    } catch (error) {
      if (!isBusy(error)) throw error
      if (performance.now() >= end) throw lockedError()
      return undefined
    }
  }
  return ((queue.isEmpty ? tried() : undefined) ?? (await retryInTurn(tried, queue, end, signal))).result
}

/** Waits for all earlier calls, then retries. */
async function retryInTurn<T>(tried: () => T | undefined, queue: LockQueue, end: number, signal: AbortSignal): Promise<T> {
  const { reached, leave } = queue.enter()
  try {
    await waitLocked(end - performance.now(), signal, reached)
    if (performance.now() >= end) throw lockedError()
    for (let longest = 1; ; longest = Math.min(longest * 2, maxPauseMs)) {
      const done = tried()
      if (done) return done
      await waitLocked(1 + Math.random() * longest, signal)
    }
  } finally {
    leave()
  }
}

function waitLocked(ms: number, signal: AbortSignal, sooner?: Promise<void>): Promise<void> {
  return untilAborted(pause(ms, signal, sooner), signal, 'the store is locked by another connection')
}
