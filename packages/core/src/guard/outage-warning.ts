import type { SecretsErrorCode } from '../contract/error-codes.ts'

/** A store that fails only for some secrets is in one outage, not in one for each call. */
const quietMs = 60_000

/**
 * Finds the first failure of an outage, so that the operator is warned once. An outage ends when
 * `answered` was called and no call failed for a minute.
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

  /** Whether an outage has begun and not ended. */
  get isOn(): boolean {
    return this.#isOn && !(this.#hasAnswered && this.#wasQuiet())
  }

  /** Returns whether an outage begins with this failure. */
  failed(): boolean {
    const isSame = this.isOn
    this.#isOn = true
    this.#hasAnswered = false
    this.#failedAt = Date.now()
    return !isSame
  }

  answered(): void {
    this.#hasAnswered = true
  }

  /** A clock that was set back counts as quiet, so that it cannot hide an outage. */
  #wasQuiet(): boolean {
    return Math.abs(Date.now() - this.#failedAt) >= quietMs
  }
}

/**
 * Emits a process warning of type `SecretsWarning`. Neither text nor code may hold a secret value.
 *
 * @example
 * import { warnOperator } from '@finchat/secrets-core/provider'
 *
 * warnOperator('The store of my provider has no replica: a read may be old', 'MY_PROVIDER_NO_REPLICA')
 */
export function warnOperator(message: string, code: string): void {
  process.emitWarning(message, { type: 'SecretsWarning', code })
}

/** Warns once for each outage that answers are stale or come from a later provider. */
export class OutageWarning {
  readonly #provider: string
  readonly #hasNext: boolean
  readonly #tracker = new OutageTracker()
  #answeredAt: number | undefined

  /** `hasNext`: a later provider is asked meanwhile. */
  constructor(provider: string, hasNext: boolean) {
    this.#provider = provider
    this.#hasNext = hasNext
  }

  /** Its answers are stale or come from a later provider. */
  get isOn(): boolean {
    return this.#tracker.isOn
  }

  /** When a read was last answered, epoch milliseconds. */
  get answeredAt(): number | undefined {
    return this.#answeredAt
  }

  failed(code: SecretsErrorCode): void {
    if (!this.#tracker.failed()) return
    const answers = this.#hasNext ? 'are stale or come from a later provider' : 'are stale, or fail where none is held'
    warnOperator(`Secrets provider '${this.#provider}' cannot be asked (${code}): answers ${answers}`, 'FINCHAT_SECRETS_DEGRADED')
  }

  answered(): void {
    this.#answeredAt = Date.now()
    this.#tracker.answered()
  }
}
