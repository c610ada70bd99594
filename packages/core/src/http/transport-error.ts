import type { SecretsErrorCode } from '../contract/error-codes.ts'
import { SecretsError } from '../errors/secrets-error.ts'

/**
 * A request without a whole answer. It never leaves a provider: it becomes a `SecretsError`.
 *
 * @example
 * import { TransportError } from '@finchat/secrets-core/http'
 *
 * const lost = new TransportError('UNAVAILABLE', 'the connection broke', { sent: true })
 * console.log(lost.toSecretsError(true).effect) // unknown
 */
export class TransportError extends Error {
  readonly code: SecretsErrorCode
  readonly remedy: string | undefined
  /** The system's short code, such as `ECONNREFUSED`. */
  readonly storeStatus: string | undefined
  /** The request may have reached the server. */
  readonly sent: boolean

  constructor(code: SecretsErrorCode, problem: string, details: TransportErrorDetails = {}) {
    super(problem)
    this.code = code
    this.remedy = details.remedy
    this.storeStatus = details.storeStatus
    this.sent = details.sent ?? false
  }

  /** A write that was sent may have been done. */
  toSecretsError(isWrite: boolean): SecretsError {
    const { code, message, remedy, storeStatus } = this
    return new SecretsError(code, message, { remedy, storeStatus, effect: isWrite && this.sent ? 'unknown' : undefined })
  }
}

/** What a `TransportError` knows besides its code and problem. */
export interface TransportErrorDetails {
  readonly remedy?: string | undefined
  readonly storeStatus?: string | undefined
  readonly sent?: boolean | undefined
}

/**
 * Runs, and rejects only with a `SecretsError`: what else is thrown may hold a request or a token.
 *
 * @example
 * import { asSecretsErrors } from '@finchat/secrets-core/http'
 *
 * console.log(await asSecretsErrors(false, async () => 'answer')) // answer
 */
export function asSecretsErrors<T>(isWrite: boolean, run: () => Promise<T>): Promise<T> {
  return run().catch((error: unknown) => {
    if (error instanceof TransportError) throw error.toSecretsError(isWrite)
    if (SecretsError.isInstance(error)) throw error
    throw new SecretsError('INTERNAL', 'the provider failed in a way that it does not know')
  })
}
