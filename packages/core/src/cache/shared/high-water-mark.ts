import { Lru } from '../keys/lru.ts'
import { keyOf, type VersionSelector } from '../keys/cache-key.ts'

const most = 10_000

/**
 * How far this process has seen, by path and version: nothing that was asked of the store before then is taken from the
 * shared cache any more, so that values do not go back in time when memory has let go of them. Its own memory is bounded:
 * the high-water mark of a path that had to make room becomes that of all which have none, so that it refuses too much, never too little.
 */
export class HighWaterMark {
  #floor = -Infinity
  readonly #times = new Lru<number>(most, (time) => (this.#floor = Math.max(this.#floor, time)))

  /** The current secret bounds its versions too: without it there are none, and `previous` changes with it. */
  admits(path: string, version: VersionSelector, askedAt: number): boolean {
    return askedAt >= this.#of(path) && askedAt >= this.#of(keyOf(path, version))
  }

  raise(path: string, version: VersionSelector, askedAt: number): void {
    const key = keyOf(path, version)
    const known = this.#times.get(key) ?? -Infinity
    // A time to come was taken from a clock that has been set back since.
    this.#times.set(key, known > Date.now() ? askedAt : Math.max(known, askedAt))
  }

  #of(key: string): number {
    return this.#times.get(key) ?? (this.#floor = Math.min(this.#floor, Date.now()))
  }
}
