import { SecretsError } from '@finchat/secrets-core'

const firstMs = 1_000
const longestMs = 60_000

/** After a request for a lease of which nobody knows what came of it: an account may have been made, so another is not asked for at once. */
export class LeaseBackOff {
  #failure: { readonly error: SecretsError; readonly count: number; readonly until: number } | undefined

  /** A clock that was set back does not hold a request for longer. */
  get isOver(): boolean {
    const left = (this.#failure?.until ?? 0) - Date.now()
    return left <= 0 || left > longestMs
  }

  /** Throws what the last request failed with, while it is too early for the next. */
  assertMayTry(): void {
    if (this.#failure !== undefined && !this.isOver) throw this.#failure.error
  }

  succeeded(): void {
    this.#failure = undefined
  }

  /**
   * Waits from half of the time to the whole, so that a fleet does not come at once. An error after
   * which nothing was done does not count. Returns the error with the time of the next try.
   */
  failed(error: SecretsError): SecretsError {
    if (error.effect !== 'unknown') return error
    const count = (this.#failure?.count ?? 0) + 1
    const wait = Math.min(longestMs, firstMs * 2 ** Math.min(count, 10)) * (0.5 + Math.random() / 2)
    const until = Date.now() + Math.ceil(wait)
    const told = new SecretsError(error.code, error.problem, { ...error, retryAt: until })
    this.#failure = { error: told, count, until }
    return told
  }
}
