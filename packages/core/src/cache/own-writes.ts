import { Lru } from './keys/lru.ts'
import type { VersionSelector } from './keys/cache-key.ts'

const most = 10_000
/** As long as the shared cache holds back what is older than a write. */
const lastMs = 900_000

interface OwnWrite {
  /** The number that was written; `Infinity` after a withdrawal, which every value is older than. */
  readonly version: number
  at: number
}

/**
 * What this process wrote or withdrew lately, by path: a replica of the store that lags behind may still answer with what was there
 * before. A write without a number leaves nothing to compare.
 */
export class OwnWrites {
  readonly #writes = new Lru<OwnWrite>(most)

  /** Writes may be acknowledged in another order than their numbers. */
  wrote(path: string, version: number): void {
    this.#writes.set(path, { version: Math.max(version, this.#lately(path) ?? 0), at: Date.now() })
  }

  withdrew(path: string): void {
    this.wrote(path, Infinity)
  }

  /** The secret may be there again, under whatever number. */
  restored(path: string): void {
    if (this.#writes.get(path)?.version === Infinity) this.#writes.delete(path)
  }

  /** The store said that the secret is withdrawn: what is created then may begin with number 1. */
  withdrawn(path: string): void {
    if (this.#writes.get(path)?.version !== Infinity) this.#writes.delete(path)
  }

  /** Whether what the store has of the version, a number or nothing, is from before the write, or may be. */
  isBehind(path: string, selector: VersionSelector, found: { readonly version?: number | undefined } | undefined): boolean {
    const written = this.#lately(path)
    if (written === undefined) return false
    if (written === Infinity) return found !== undefined
    if (typeof selector === 'number') return found === undefined && selector === written
    return (found?.version ?? 0) < (selector === 'previous' ? written - 1 : written)
  }

  #lately(path: string): number | undefined {
    const write = this.#writes.get(path)
    if (write === undefined) return undefined
    // A clock that was set back does not stretch it.
    write.at = Math.min(write.at, Date.now())
    return Date.now() - write.at < lastMs ? write.version : undefined
  }
}
