import { throwIfAborted, unlessAborted } from '../shared/abort.ts'
import { isBusy, lockedError } from './sqlite-errors.ts'

/** How long a call waits for a lock that another connection holds. */
export interface Patience {
  readonly signal: AbortSignal
  /** Milliseconds after which the call gives up with `UNAVAILABLE`, whatever its signal says. */
  readonly lockTimeoutMs: number
}

const longestPauseMs = 25
const longestTimerMs = 2 ** 31 - 1
const locked = 'the store is locked by another connection'

/** Calls that wait for one lock: only the first tries for it, or thousands of them would stop the event loop by trying. */
export class LockQueue {
  #last: Promise<void> = Promise.resolve()
  #length = 0

  get isEmpty(): boolean {
    return this.#length === 0
  }

  /** A place at the end. `reached` resolves once everybody before has left; every place must be left, once. */
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
 * The result of `attempt`, tried again as long as it fails for a lock that is held. SQLite's own busy timeout would stop
 * the event loop; this waits beside it, with jitter, so that two waiters do not collide again and again. Throws `ABORTED`
 * when the signal fires.
 */
export async function whileBusy<T>(attempt: () => T, { signal, lockTimeoutMs }: Patience, queue: LockQueue = new LockQueue()): Promise<T> {
  const end = performance.now() + lockTimeoutMs // a clock that nobody sets back
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
  return ((queue.isEmpty ? tried() : undefined) ?? (await inTurn(tried, queue, end, signal))).result
}

/** Tries again and again, once all who came before have left. */
async function inTurn<T>(tried: () => T | undefined, queue: LockQueue, end: number, signal: AbortSignal): Promise<T> {
  const { reached, leave } = queue.enter()
  try {
    await pause(end - performance.now(), signal, reached)
    if (performance.now() >= end) throw lockedError()
    for (let longest = 1; ; longest = Math.min(longest * 2, longestPauseMs)) {
      const done = tried()
      if (done) return done
      await pause(1 + Math.random() * longest, signal)
    }
  } finally {
    leave()
  }
}

/** Waits so long, or until `sooner` resolves. */
async function pause(milliseconds: number, signal: AbortSignal, sooner?: Promise<void>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, Math.min(milliseconds, longestTimerMs))
  void sooner?.then(resolve)
  await unlessAborted(promise, signal, locked).finally(() => clearTimeout(timer))
}
