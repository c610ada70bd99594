import { Lru } from '../keys/lru.ts'

const most = 10_000
/** As long as a right that was proven counts. */
const epochMs = 3_600_000

/**
 * Paths, or versions of them, that the shared cache must not be asked for. Memory is bounded: one too many begins an
 * epoch. It forgets which they were, and suspects every key until the key is cleared or the epoch ends.
 */
export class BlockedPaths {
  readonly #added = new Set<string>()
  /** Since the epoch began, if there is one. */
  #cleared: Lru<true> | undefined
  #begunAt = 0

  has(key: string): boolean {
    return this.#added.has(key) || (this.#isEpoch() && this.#cleared?.get(key) === undefined)
  }

  add(key: string): void {
    this.#cleared?.delete(key)
    this.#added.add(key)
    if (this.#added.size > most) this.#beginEpoch()
  }

  clear(key: string): void {
    this.#added.delete(key)
    if (this.#isEpoch()) this.#cleared?.set(key, true)
  }

  #beginEpoch(): void {
    if (!this.#isEpoch()) {
      this.#cleared = new Lru(2 * most)
      warnOfSharedCache(
        `a store refused more than ${most} secrets: for an hour only what it has answered to this process since is taken from the shared cache`,
      )
    }
    this.#added.clear()
    this.#begunAt = Date.now()
  }

  #isEpoch(): boolean {
    if (this.#cleared === undefined) return false
    // A clock that was set back does not stretch it.
    this.#begunAt = Math.min(this.#begunAt, Date.now())
    if (Date.now() - this.#begunAt < epochMs) return true
    this.#cleared = undefined
    return false
  }
}

/** For the operator: something about the shared cache has changed for a while. */
export function warnOfSharedCache(message: string): void {
  process.emitWarning(message, { type: 'SecretsWarning', code: 'FINCHAT_SECRETS_SHARED_CACHE' })
}
