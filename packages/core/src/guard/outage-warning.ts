import type { SecretsErrorCode } from '../contract/error-codes.ts'

/**
 * What answers for some secrets and fails for others is in one outage, not in as many as there are
 * calls.
 */
const quietMs = 60_000

/**
 * Tells the first failure of an outage from those that follow, so that the operator is warned once.
 * An outage is over when `answered` was called and nothing failed for a minute.
 *
 * @example
 * import { OutageTracker } from '@finchat/secrets-core/provider'
 *
 * const outage = new OutageTracker()
 * console.log(outage.failed(), outage.failed()) // true false
 */
export class OutageTracker {
  #isOn = false
  #hasAnswered = false
  #failedAt = 0

  /** Returns whether an outage begins with this failure. */
  failed(): boolean {
    const isSame = this.#isOn && !(this.#hasAnswered && this.#wasQuiet())
    this.#isOn = true
    this.#hasAnswered = false
    this.#failedAt = Date.now()
    return !isSame
  }

  answered(): void {
    this.#hasAnswered = true
  }

  /** A clock that went back counts as quiet: it must not silence an outage for long. */
  #wasQuiet(): boolean {
    return Math.abs(Date.now() - this.#failedAt) >= quietMs
  }
}

/**
 * Warns the operator by a process warning of type `SecretsWarning`. Neither text nor code may hold
 * a secret value.
 *
 * @example
 * import { warnOperator } from '@finchat/secrets-core/provider'
 *
 * warnOperator('The store of my provider has no replica: a read may be old', 'MY_PROVIDER_NO_REPLICA')
 */
export function warnOperator(message: string, code: string): void {
  process.emitWarning(message, { type: 'SecretsWarning', code })
}

/** Warns once for each outage of a provider that answers are stale or come from a later one. */
export class OutageWarning {
  readonly #provider: string
  readonly #hasNext: boolean
  readonly #tracker = new OutageTracker()

  /** `hasNext`: the chain has a later provider, which is asked meanwhile. */
  constructor(provider: string, hasNext: boolean) {
    this.#provider = provider
    this.#hasNext = hasNext
  }

  failed(code: SecretsErrorCode): void {
    if (!this.#tracker.failed()) return
    const answers = this.#hasNext ? 'are stale or come from a later provider' : 'are stale, or fail where none is held'
    warnOperator(`Secrets provider '${this.#provider}' cannot be asked (${code}): answers ${answers}`, 'FINCHAT_SECRETS_DEGRADED')
  }

  answered(): void {
    this.#tracker.answered()
  }
}
