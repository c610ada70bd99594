import { bounded, type Bounds } from './bounded.ts'
import type { FillTicket, SharedCache, SharedKey, StoredSecret } from './contract.ts'
import { SecretsError } from './secrets-error.ts'
import { isStoredSecret } from './stored-secret.ts'

/** With more paths than this denied to us, we are not of equal rights with those who fill the level: it is left alone. */
const mostDistrusted = 10_000

export type SharedAnswer = { readonly hit: StoredSecret; readonly until: number } | { readonly ticket: FillTicket | undefined }

export interface SharedLevelOptions extends Bounds {
  /** How long this process, and a fleet that is set up alike, lets an answer live there. */
  readonly ttlMs: number
}

/** What the shared level holds of one provider's store. Its failures never become a reader's, but a writer's. */
export class SharedLevel {
  readonly #cache: SharedCache
  readonly #sharedAs: string
  readonly #bounds: SharedLevelOptions
  /** Paths that the level could not be told of, and until when it may hold what was there before the write. */
  readonly #untold = new Map<string, number>()
  /** Paths of which the store last said that we may not have them, or that they are withdrawn. */
  readonly #distrusted = new Set<string>()
  readonly #fills = new Set<Promise<void>>()

  constructor(cache: SharedCache, sharedAs: string, bounds: SharedLevelOptions) {
    this.#cache = cache
    this.#sharedAs = sharedAs
    this.#bounds = bounds
  }

  async read(path: string, version: SharedKey['version']): Promise<SharedAnswer> {
    if (!this.#isTrusted(path)) return { ticket: undefined }
    try {
      const answer = await bounded((signal) => this.#cache.read(this.#key(path, version), { signal }), this.#bounds)
      return 'hit' in answer && !isUsable(answer) ? { ticket: undefined } : answer
    } catch {
      return { ticket: undefined }
    }
  }

  /** In the background: nobody waits for it but `close`. */
  fill(path: string, version: SharedKey['version'], ticket: FillTicket | undefined, entry: Parameters<SharedCache['fill']>[2]): void {
    if (ticket === undefined) return
    const filling = bounded((signal) => this.#cache.fill(this.#key(path, version), ticket, entry, { signal }), this.#bounds)
      .catch(() => {})
      .finally(() => this.#fills.delete(filling))
    this.#fills.add(filling)
  }

  /** Throws `UNAVAILABLE` with `effect: 'done'` if it could not: others may serve what was there before the write. */
  async invalidate(path: string): Promise<void> {
    try {
      await bounded((signal) => this.#cache.invalidate({ sharedAs: this.#sharedAs, path }, { signal }), this.#bounds)
      this.#untold.delete(path)
    } catch {
      this.#untold.set(path, Date.now() + this.#bounds.ttlMs)
      throw new SecretsError('UNAVAILABLE', 'written, but the shared cache could not be told', {
        effect: 'done',
        remedy: 'other processes may serve the former value until its TTL ends',
      })
    }
  }

  distrust(path: string): void {
    if (this.#distrusted.size <= mostDistrusted) this.#distrusted.add(path)
  }

  trust(path: string): void {
    this.#distrusted.delete(path)
  }

  subscribe(listener: (path: string) => void): () => void {
    const ends = this.#cache.subscribe?.((key) => {
      if (key.sharedAs === this.#sharedAs) listener(key.path)
    })
    return ends ?? (() => {})
  }

  async drain(): Promise<void> {
    await Promise.all(this.#fills)
  }

  #isTrusted(path: string): boolean {
    const untoldUntil = this.#untold.get(path) ?? 0
    if (Date.now() < untoldUntil) return false
    this.#untold.delete(path)
    return !this.#distrusted.has(path) && this.#distrusted.size <= mostDistrusted
  }

  #key(path: string, version: SharedKey['version']): SharedKey {
    return { sharedAs: this.#sharedAs, path, version }
  }
}

/** The level is not trusted with what can be seen here: an entry that is none, or has expired. */
function isUsable({ hit, until }: { readonly hit: StoredSecret; readonly until: number }): boolean {
  const now = Date.now()
  return isStoredSecret(hit) && until > now && (hit.expiresAt ?? Infinity) > now
}
