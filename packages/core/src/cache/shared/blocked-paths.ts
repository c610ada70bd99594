import { warnOperator } from '../../guard/outage-warning.ts'
import { Lru } from '../keys/lru.ts'

const most = 10_000
/** As long as verified access lasts. */
const epochMs = 3_600_000

/**
 * Keys that are not read from the shared cache. On overflow an epoch begins, in which every key is
 * blocked until it is cleared or the epoch ends.
 */
export class BlockedPaths {
  readonly #added = new Set<string>()
  /** Keys cleared in this epoch; undefined without one. */
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
    // A clock that is set back must not extend it.
    this.#begunAt = Math.min(this.#begunAt, Date.now())
    if (Date.now() - this.#begunAt < epochMs) return true
    this.#cleared = undefined
    return false
  }
}

export function warnOfSharedCache(message: string): void {
  warnOperator(message, 'FINCHAT_SECRETS_SHARED_CACHE')
}
