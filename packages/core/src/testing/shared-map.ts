import type { SharedCache, SharedEntry, SharedKey } from '../contract/shared-cache.ts'
import { SecretsError } from '../errors/secrets-error.ts'

/** A shared cache in this process, which several caches of a store may look at, and which fails while `isDown`. */
export class SharedMap {
  isDown = false
  readonly #entries = new Map<string, SharedEntry>()
  readonly #listeners = new Map<symbol, (key: { readonly sharedAs: string; readonly path: string }) => void>()
  #generation = 0
  #least = 0
  #invalidatedAt = 0

  /** As one process sees it: it does not hear of what it invalidates itself. */
  seenBy(failClosed: boolean): SharedCache {
    const self = Symbol('process')
    return {
      specificationVersion: 'v1',
      failClosed,
      read: async (key) => {
        const leaseToken = { generation: this.#generation }
        const changes = { invalidatedAt: this.#invalidatedAt, leastVersion: this.#least }
        if (this.isDown) return { leaseToken, unavailable: true }
        const entry = this.#entries.get(idOf(key))
        const isBefore = key.version === undefined && (entry?.secret.version ?? Infinity) < this.#least
        if (entry === undefined || isBefore) return { leaseToken, ...changes }
        return { hit: { ...entry.secret }, until: entry.until, askedAt: entry.askedAt, ...changes }
      },
      fill: async (key, { generation }, entry) => {
        if (!this.isDown && generation === this.#generation && entry !== undefined) this.#entries.set(idOf(key), entry)
      },
      invalidate: async ({ sharedAs, path, leastVersion = 0 }) => {
        if (this.isDown) throw new SecretsError('UNAVAILABLE', 'down')
        this.#generation += 1
        this.#least = leastVersion
        this.#invalidatedAt = Math.max(Date.now(), this.#invalidatedAt + 1)
        this.#entries.clear()
        for (const [process, tell] of this.#listeners) if (process !== self) tell({ sharedAs, path })
      },
      subscribe: (listener) => (this.#listeners.set(self, listener), () => void this.#listeners.delete(self)),
    }
  }
}

function idOf({ path, version }: SharedKey): string {
  return `${path} ${version}`
}
