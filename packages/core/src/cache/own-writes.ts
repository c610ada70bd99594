import { Lru } from './keys/lru.ts'
import type { VersionSelector } from './keys/cache-key.ts'

const most = 10_000
/** As long as the shared cache holds back values older than a write. */
const lastMs = 900_000

interface OwnWrite {
  /** The written number; `Infinity` after a withdrawal, since every value is older. */
  readonly version: number
  at: number
}

/**
 * Recent writes of this process by path, since a lagging replica may answer with an older value. A
 * write without a number leaves nothing to compare.
 */
export class OwnWrites {
  readonly #writes = new Lru<OwnWrite>(most)

  /** Acknowledgements may arrive out of order. */
  wrote(path: string, version: number): void {
    this.#writes.set(path, { version: Math.max(version, this.#lately(path) ?? 0), at: Date.now() })
  }

  withdrew(path: string): void {
    this.wrote(path, Infinity)
  }

  restored(path: string): void {
    if (this.#writes.get(path)?.version === Infinity) this.#writes.delete(path)
  }

  /** The store confirmed the withdrawal: a secret created after it may begin with number 1. */
  withdrawn(path: string): void {
    if (this.#writes.get(path)?.version !== Infinity) this.#writes.delete(path)
  }

  /** Whether the store's answer is, or may be, older than the write. */
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
    // A clock that is set back must not extend it.
    write.at = Math.min(write.at, Date.now())
    return Date.now() - write.at < lastMs ? write.version : undefined
  }
}
