import { pause } from '@finchat/secrets-core/provider'
import { StoreFault } from './errors.ts'

/** Tracks what runs in one cache. */
export class Lifecycle {
  readonly #running = new Set<Promise<unknown>>()
  readonly #pausing = new Set<() => void>()
  #isClosing = false

  get isClosing(): boolean {
    return this.#isClosing
  }

  /** Rejects without calling `work` once the cache is closing. */
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
  async pause(ms: number, signal?: AbortSignal): Promise<void> {
    if (this.#isClosing) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#pausing.add(resolve)
    await pause(ms, signal, promise)
    this.#pausing.delete(resolve)
  }

  /** Lets nothing begin, and waits for what runs: until `maxMs`, or the signal's abort. */
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
