import type { SecretsErrorCode } from './contract.ts'

/** Tells the operator once for each outage of a provider that answers are stale or come from a later one. */
export class Outage {
  readonly #provider: string
  #told = false

  constructor(provider: string) {
    this.#provider = provider
  }

  began(code: SecretsErrorCode): void {
    if (this.#told) return
    this.#told = true
    process.emitWarning(`Secrets provider '${this.#provider}' cannot be asked (${code}): answers are stale or come from a later provider`, {
      type: 'SecretsWarning',
      code: 'FINCHAT_SECRETS_DEGRADED',
    })
  }

  ended(): void {
    this.#told = false
  }
}
