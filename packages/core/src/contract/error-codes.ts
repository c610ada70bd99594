/**
 * Closed for providers; a minor release may add one, and a chain stops at a code that it does not
 * know.
 */
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
/** Beside code and message, an error carries only these. */
export interface SecretsErrorDetails {
  /** What to do about it, one clause. */
  readonly remedy?: string | undefined
  /**
   * Before then the store asked not to be asked again; of an error about several, the earliest of
   * theirs.
   */
  readonly retryAt?: number | undefined
  /** The write reached the store, or a lease was made, or either may have: `done` or `unknown`. */
  readonly effect?: 'done' | 'unknown' | undefined
  /** The store's own status and request id: short, no bodies. */
  readonly storeStatus?: string | undefined
  readonly storeRequestId?: string | undefined
  /** What each provider said, in the order in which they were asked. */
  readonly attempts?: readonly SecretsErrorAttempt[] | undefined
}
/** One provider's part in an error about several. */
export interface SecretsErrorAttempt {
  readonly provider: string
  readonly code: SecretsErrorCode
  readonly durationMs: number
  /**
   * What is wrong, in the words of its own `SecretsError`; absent where it answered that there is
   * no such secret.
   */
  readonly message?: string | undefined
  /** What to do about it, if that error says. */
  readonly remedy?: string | undefined
  /** Before then the store asked not to be asked again. */
  readonly retryAt?: number | undefined
}
