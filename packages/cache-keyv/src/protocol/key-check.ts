import { type KeyMark, keyMarkOf } from '../sealed/key-names.ts'
import type { CacheContext } from './context.ts'

const intervalMs = 600_000
const longestIntervalMs = 8 * intervalMs
const retryMs = 10_000
const markTtlMs = 1_800_000

/**
 * Warns if processes of one namespace use different keys, and so share nothing. Each writes a mark
 * of its key under a common name.
 */
export class KeyCheck {
  readonly #cache: CacheContext
  readonly #mark: KeyMark
  #nextAt = -Infinity
  #mismatches = 0

  constructor(cache: CacheContext) {
    this.#cache = cache
    this.#mark = keyMarkOf(cache)
  }

  /** The last check found a mark of another key. */
  get hasOtherKey(): boolean {
    return this.#mismatches > 0
  }

  /** Checks in the background, at most once in ten minutes. */
  recordMiss(): void {
    const now = performance.now()
    if (now < this.#nextAt) return
    this.#nextAt = now + intervalMs
    this.#cache.lifecycle.run(() => this.#check()).catch(() => (this.#nextAt = now + retryMs))
  }

  async #check(): Promise<void> {
    const { store } = this.#cache
    const { name, text } = this.#mark
    const [found = ''] = await store.getMany([name])
    const isOurs = found.startsWith(text)
    const leftMs = remainingMs(found.slice(text.length))
    if (!isOurs && leftMs > 0) return this.#recordMismatch()
    this.#mismatches = 0
    if (isOurs && leftMs > markTtlMs - intervalMs) return
    return store.set(name, `${text}${(Date.now() + markTtlMs).toString(36)}`, markTtlMs)
  }

  /** Reported once: a fleet may change its key, and an attacker can plant a mark. */
  #recordMismatch(): void {
    this.#nextAt = performance.now() + Math.min(intervalMs * 2 ** this.#mismatches, longestIntervalMs)
    this.#mismatches += 1
    if (this.#mismatches === 1) this.#cache.stats.recordOtherKey()
  }
}

/** Some stores ignore a TTL, so the mark holds its expiry. */
function remainingMs(expiry: string): number {
  const left = Number.parseInt(expiry, 36) - Date.now()
  return left > 0 && left <= markTtlMs ? left : 0
}
