import type { SecretsError } from '@finchat/secrets-core'
import { isUpcoming, jittered, withDetails } from '@finchat/secrets-core/provider'

const firstMs = 1_000
const longestMs = 60_000

/**
 * Delays the next request for a lease after one whose outcome is unknown, because Vault may have
 * created an account.
 */
export class LeaseBackOff {
  #failure: { readonly error: SecretsError; readonly count: number; readonly until: number } | undefined

  get isOver(): boolean {
    return !isUpcoming(this.#failure?.until ?? 0, longestMs)
  }

  /** Throws the last request's error while it is too early for the next. */
  assertMayTry(): void {
    if (this.#failure !== undefined && !this.isOver) throw this.#failure.error
  }

  succeeded(): void {
    this.#failure = undefined
  }

  /**
   * Waits between half of the time and the whole, to spread a fleet. An error without effect does
   * not count. Returns the error with `retryAt`.
   */
  failed(error: SecretsError): SecretsError {
    if (error.effect !== 'unknown') return error
    const count = (this.#failure?.count ?? 0) + 1
    const wait = jittered(Math.min(longestMs, firstMs * 2 ** Math.min(count, 10)))
    const until = Date.now() + Math.ceil(wait)
    const delayed = withDetails(error, { retryAt: until })
    this.#failure = { error: delayed, count, until }
    return delayed
  }
}
