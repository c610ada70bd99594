import { StoreFault } from './errors.ts'

/** What is under way in one cache, so that `close()` can wait for it, and so that nothing begins afterwards. */
export class Lifecycle {
  readonly #running = new Set<Promise<unknown>>()
  readonly #pausing = new Set<() => void>()
  #isClosing = false

  /** What waits for others gives up, and what fails fails because of this. */
  get isClosing(): boolean {
    return this.#isClosing
  }

  /** Rejects with a `StoreFault`, without a call of `work`, once the cache is closing. */
  run<T>(work: () => Promise<T>): Promise<T> {
    return this.#isClosing ? Promise.reject(new StoreFault('closed')) : this.track(work())
  }

  track<T>(running: Promise<T>): Promise<T> {
    const end = (): void => void this.#running.delete(running)
    this.#running.add(running)
    running.then(end, end)
    return running
  }

  /** Resolves after the time, or at once when the signal is aborted or the cache is closing. */
  pause(ms: number, signal?: AbortSignal): Promise<void> {
    return this.#isClosing ? Promise.resolve() : pause(ms, signal, this.#pausing)
  }

  /** Lets nothing begin any more, and resolves when all that runs has ended, the time is over, or the signal is aborted. */
  async close(longestMs: number, signal: AbortSignal | undefined): Promise<void> {
    this.#isClosing = true
    for (const resume of this.#pausing) resume()
    const over = new AbortController()
    const end = (): void => over.abort()
    signal?.addEventListener('abort', end, { once: true })
    void this.#settled().then(end)
    await pause(signal?.aborted ? 0 : longestMs, over.signal)
  }

  /** What runs may have begun more, such as a read that compares keys. */
  async #settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running)
  }
}

/** Resolves after the time, or at once when the signal is aborted or what it adds to `pausing` is called. */
export function pause(ms: number, signal?: AbortSignal, pausing: Set<() => void> = new Set()): Promise<void> {
  if (signal?.aborted) return Promise.resolve()
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, ms)
  const onAbort = (): void => resolve()
  pausing.add(onAbort)
  signal?.addEventListener('abort', onAbort)
  return promise.finally(() => {
    clearTimeout(timer)
    pausing.delete(onAbort)
    signal?.removeEventListener('abort', onAbort)
  })
}

/** A random part of the time, at least half of it: those who wait for the same do not come back together. */
export function jittered(ms: number): number {
  return ms * (0.5 + Math.random() / 2)
}
