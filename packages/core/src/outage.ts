import type { SecretsErrorCode } from './contract.ts'

/** A provider that answers for some secrets and fails for others is in one outage, not in as many as there are reads. */
const quietMs = 60_000

/**
 * Tells the operator once for each outage of a provider that answers are stale or come from a later one. It is over when
 * the provider has answered again, and nothing failed for a minute.
 */
export class Outage {
  readonly #provider: string
  #isOn = false
  #hasAnswered = false
  #failedAt = 0

  constructor(provider: string) {
    this.#provider = provider
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
    process.emitWarning(`Secrets provider '${this.#provider}' cannot be asked (${code}): answers are stale or come from a later provider`, {
      type: 'SecretsWarning',
      code: 'FINCHAT_SECRETS_DEGRADED',
    })
  }
}
