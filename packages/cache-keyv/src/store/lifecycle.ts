import { StoreFault } from './errors.ts'

/** Tracks what runs in one cache: `close()` waits for it, and nothing begins afterwards. */
export class Lifecycle {
  readonly #running = new Set<Promise<unknown>>()
  readonly #pausing = new Set<() => void>()
  #isClosing = false

  get isClosing(): boolean {
    return this.#isClosing
  }

  /** Rejects with a `StoreFault`, without calling `work`, once the cache is closing. */
  run<T>(work: () => Promise<T>): Promise<T> {
    return this.#isClosing ? Promise.reject(new StoreFault('closed')) : this.track(work())
  }

  track<T>(running: Promise<T>): Promise<T> {
    const end = (): void => void this.#running.delete(running)
    this.#running.add(running)
    running.then(end, end)
    return running
  }

  /** Ends early when the signal is aborted or the cache is closing. */
  pause(ms: number, signal?: AbortSignal): Promise<void> {
    return this.#isClosing ? Promise.resolve() : pause(ms, signal, this.#pausing)
  }

  /** Lets nothing begin. Resolves when everything has ended, after `maxMs`, or when the signal is aborted. */
  async close(maxMs: number, signal: AbortSignal | undefined): Promise<void> {
    this.#isClosing = true
    for (const resume of this.#pausing) resume()
    const ended = new AbortController()
    const end = (): void => ended.abort()
    signal?.addEventListener('abort', end, { once: true })
    void this.#settled().then(end)
    await pause(signal?.aborted ? 0 : maxMs, ended.signal)
  }

  /** A read may start a key check. */
  async #settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running)
  }
}

/** Ends early when the signal is aborted, or by the function that it adds to `pausing`. */
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

/** Between half of the time and all of it, so that processes do not come back together. */
export function jittered(ms: number): number {
  return ms * (0.5 + Math.random() / 2)
}
