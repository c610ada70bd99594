import { keyOf, Lru, type VersionSelector } from '../keys/lru.ts'

const most = 10_000
/** Clocks of two hosts differ by less. */
const clockToleranceMs = 60_000

/** What the shared cache knows of a path's changes. */
export interface Changes {
  /** By the clock of the process that invalidated it; undefined: the cache cannot tell. */
  readonly invalidatedAt: number | undefined
  /** Lower versions are not current. */
  readonly leastVersion: number
}

/** What memory has. */
export interface HeldAnswer {
  readonly askedAt: number
  readonly version?: number | undefined
}

interface Known {
  /** The latest invalidation that the held value is younger than. */
  readonly invalidatedAt: number
  /** Answers of the store to the same gap, and when it may be asked again, by the monotonic clock. */
  readonly answers: number
  readonly againAt: number
}

export interface InvalidationsOptions {
  readonly recheckMs: number
  readonly longestMs: number
}

/**
 * Which invalidations the value of each key is younger than. A gap without a newer one is a loss of
 * the cache, and says nothing about the value that memory holds.
 */
export class Invalidations {
  readonly #options: InvalidationsOptions
  readonly #known = new Lru<Known>(most)

  constructor(options: InvalidationsOptions) {
    this.#options = options
  }

  /** Whether a value that is fresh in memory may be older than a change. */
  concern(
    path: string,
    selector: VersionSelector,
    { invalidatedAt, leastVersion }: Changes,
    { askedAt, version = Infinity }: HeldAnswer,
  ): boolean {
    const known = this.#known.get(keyOf(path, selector))
    const last = known?.invalidatedAt ?? askedAt - clockToleranceMs
    if (invalidatedAt !== undefined && invalidatedAt > last) return true
    const isBehind = selector === undefined && version < leastVersion
    return (invalidatedAt === undefined || isBehind) && performance.now() >= (known?.againAt ?? 0)
  }

  /** The store answered after these changes. A gap that stays is a reason to ask again ever less often. */
  answered(path: string, selector: VersionSelector, { invalidatedAt = 0 }: Changes): void {
    const key = keyOf(path, selector)
    const known = this.#known.get(key)
    const isNewer = known === undefined || invalidatedAt > known.invalidatedAt
    const answers = isNewer ? 1 : known.answers + 1
    const pauseMs = Math.min(this.#options.recheckMs * 2 ** (answers - 1), this.#options.longestMs)
    this.#known.set(key, { invalidatedAt: isNewer ? invalidatedAt : known.invalidatedAt, answers, againAt: performance.now() + pauseMs })
  }

  /** The shared cache holds this value, from after these changes. */
  held(path: string, selector: VersionSelector, { invalidatedAt = 0 }: Changes): void {
    const key = keyOf(path, selector)
    const last = this.#known.get(key)?.invalidatedAt ?? 0
    this.#known.set(key, { invalidatedAt: Math.max(invalidatedAt, last), answers: 0, againAt: 0 })
  }
}
