import { SecretsError } from './secrets-error.ts'

/** What every call takes. */
export interface CallOptions {
  /** Ends the call with `ABORTED`; what is under way for others goes on. */
  readonly signal?: AbortSignal | undefined
  /** Who asks, for the audit trail. */
  readonly actor?: string | undefined
  /** On whose request, for the audit trail. */
  readonly requestId?: string | undefined
}

/** Throws `INVALID_ARGUMENT` for a signal that is none: ignored, it would leave the caller waiting. */
export function assertCallOptions({ signal }: CallOptions): void {
  if (signal === undefined || signal instanceof AbortSignal) return
  throw new SecretsError('INVALID_ARGUMENT', 'signal is no AbortSignal', { remedy: 'pass AbortSignal.timeout(ms) or the signal of an AbortController' })
}
