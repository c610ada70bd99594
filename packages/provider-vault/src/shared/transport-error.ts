import { SecretsError, type SecretsErrorCode } from '@finchat/secrets-core'

/** A request without a whole answer. It never leaves the package: it becomes a `SecretsError`. */
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

export interface TransportErrorDetails {
  readonly remedy?: string | undefined
  readonly storeStatus?: string | undefined
  readonly sent?: boolean | undefined
}

/** Only a `SecretsError` leaves the package. */
export function asSecretsErrors<T>(isWrite: boolean, run: () => Promise<T>): Promise<T> {
  return run().catch((error: unknown) => {
    if (error instanceof TransportError) throw error.toSecretsError(isWrite)
    if (SecretsError.isInstance(error)) throw error
    throw new SecretsError('INTERNAL', 'the Vault provider failed in a way that it does not know')
  })
}
