import { pause } from '@finchat/secrets-core/provider'
import { type RedisClient, setIfAbsent } from '../store/redis-client.ts'
import type { CacheContext } from './context.ts'

/** The server ends the turn of a process that was stopped. */
const turnMs = 1_000
/** Others then try without one. */
const mostPolls = 12
const firstPollMs = 20
const longestPollMs = 500

/**
 * The turn to change what many change at once. Each change costs the others their attempt, so that
 * a crowd without turns keeps the server busy and gets nowhere. No safety depends on it.
 */
export class Turn {
  readonly #cache: CacheContext & { readonly client: RedisClient }
  readonly #key: string
  #heldUntil = -Infinity

  constructor(cache: CacheContext & { readonly client: RedisClient }, key: string) {
    this.#cache = cache
    this.#key = key
  }

  /** False: it was not given in time. */
  async take(signal: AbortSignal): Promise<boolean> {
    const { store, client } = this.#cache
    for (let poll = 0; poll < mostPolls && !signal.aborted; poll += 1) {
      if (performance.now() < this.#heldUntil) return true
      const heldUntil = performance.now() + turnMs
      if (await store.run(() => setIfAbsent(client, this.#key, 'turn', turnMs))) this.#heldUntil = heldUntil
      else await pause(Math.random() * Math.min(firstPollMs * 2 ** poll, longestPollMs), signal)
    }
    return false
  }

  /** Never rejects: the server ends it too. */
  end(): void {
    const { store, client } = this.#cache
    if (performance.now() < this.#heldUntil) store.run(() => client.del(this.#key)).catch(() => {})
    this.#heldUntil = -Infinity
  }
}
