import type { SecretsErrorCode } from '../contract/error-codes.ts'

/** A provider that answers for some secrets and fails for others is in one outage, not in as many as there are reads. */
const quietMs = 60_000

/**
 * Tells the operator once for each outage of a provider that answers are stale or come from a later one. It is over when
 * the provider has answered again, and nothing failed for a minute.
 */
export class Outage {
  readonly #provider: string
  readonly #hasNext: boolean
  #isOn = false
  #hasAnswered = false
  #failedAt = 0

  /** `hasNext`: a later provider of the chain is asked in its stead. */
  constructor(provider: string, hasNext: boolean) {
    this.#provider = provider
    this.#hasNext = hasNext
  }

  failed(code: SecretsErrorCode): void {
    const isSame = this.#isOn && !(this.#hasAnswered && this.#wasQuiet())
    this.#isOn = true
    this.#hasAnswered = false
    this.#failedAt = Date.now()
    if (!isSame) this.#warn(code)
  }

  answered(): void {
    this.#hasAnswered = true
  }

  /** A clock that went back counts as quiet: it must not silence an outage for long. */
  #wasQuiet(): boolean {
    return Math.abs(Date.now() - this.#failedAt) >= quietMs
  }

  #warn(code: SecretsErrorCode): void {
    const answers = this.#hasNext ? 'are stale or come from a later provider' : 'are stale, or fail where none is held'
    process.emitWarning(`Secrets provider '${this.#provider}' cannot be asked (${code}): answers ${answers}`, {
      type: 'SecretsWarning',
      code: 'FINCHAT_SECRETS_DEGRADED',
    })
  }
}
