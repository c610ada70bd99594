import { Lru } from '../keys/lru.ts'
import { BlockedPaths } from './blocked-paths.ts'

const mostPaths = 10_000
const provenForMs = 3_600_000

/**
 * What this process may take from the shared cache, since processes may have different rights. It
 * takes nothing that its own provider refused. With `requireOwnAccess` its provider must have
 * answered within the last hour.
 */
export class VerifiedAccess {
  readonly #refused = new BlockedPaths()
  readonly #provenAt: Lru<number> | undefined

  constructor(areProven: boolean) {
    this.#provenAt = areProven ? new Lru(mostPaths) : undefined
  }

  /** `key`: the path, or one version of it. */
  mayShare(key: string, path: string): boolean {
    if (this.#refused.has(key) || this.#refused.has(path)) return false
    if (this.#provenAt === undefined) return true
    // A future proof was made before the clock was set back.
    const age = Date.now() - (this.#provenAt.get(path) ?? -Infinity)
    return age >= 0 && age < provenForMs
  }

  refused(key: string): void {
    this.#refused.add(key)
  }

  answered(key: string, path: string): void {
    this.#refused.clear(key)
    this.#provenAt?.set(path, Date.now())
  }
}
