import { keyOf, Lru, type VersionSelector } from '../keys/lru.ts'

const most = 10_000

/**
 * The time up to which this process has seen each path: values must not go back in time after
 * eviction. On overflow an evicted mark counts for all unknown paths: too much is refused, never
 * too little.
 */
export class HighWaterMark {
  #floor = -Infinity
  readonly #times = new Lru<number>(most, (time) => (this.#floor = Math.max(this.#floor, time)))

  /** Answers to earlier requests are barred. The mark of the path bounds its versions too. */
  of(path: string, version: VersionSelector): number {
    return Math.max(this.#of(path), this.#of(keyOf(path, version)))
  }

  raise(path: string, version: VersionSelector, askedAt: number): void {
    const key = keyOf(path, version)
    const known = this.#times.get(key) ?? -Infinity
    // A future time was read before the clock was set back.
    this.#times.set(key, known > Date.now() ? askedAt : Math.max(known, askedAt))
  }

  #of(key: string): number {
    return this.#times.get(key) ?? (this.#floor = Math.min(this.#floor, Date.now()))
  }
}
