/** Providers add none. A minor release may; a chain stops at a code it does not know. */
export type SecretsErrorCode =
  | 'NOT_FOUND'
  | 'DELETED'
  | 'PERMISSION_DENIED'
  | 'CREDENTIALS_MISSING'
  | 'UNAUTHENTICATED'
  | 'INVALID_ARGUMENT'
  | 'RATE_LIMITED'
  | 'UNAVAILABLE'
  | 'DEADLINE_EXCEEDED'
  | 'ABORTED'
  | 'VERSION_CONFLICT'
  | 'INTEGRITY'
  | 'UNSUPPORTED'
  | 'CONFIGURATION'
  | 'AUDIT_FAILED'
  | 'INTERNAL'
/** An error carries only these beside code and message. */
export interface SecretsErrorDetails {
  /** What to do, one clause. */
  readonly remedy?: string | undefined
  /** The store asked for no call before then. With several stores, the earliest. */
  readonly retryAt?: number | undefined
  /** The effect of a write or a lease despite the error: `done`, or `unknown`. */
  readonly effect?: 'done' | 'unknown' | undefined
  /** Short, never a body. */
  readonly storeStatus?: string | undefined
  readonly storeRequestId?: string | undefined
  /** One for each provider, in the order of the calls. */
  readonly attempts?: readonly SecretsErrorAttempt[] | undefined
}
/** One provider's part in an error about several. */
export interface SecretsErrorAttempt {
  readonly provider: string
  readonly code: SecretsErrorCode
  readonly durationMs: number
  /** Its error without place and remedy; absent if the secret does not exist there. */
  readonly message?: string | undefined
  readonly remedy?: string | undefined
  /** The store asked for no call before then. */
  readonly retryAt?: number | undefined
}
