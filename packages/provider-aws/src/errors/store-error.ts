import { SecretsError, type SecretsErrorDetails } from '@finchat/secrets-core'
import { type Failure, failureOf, rowOf, rowOfStatus } from './classify.ts'
import type { Asked, Row } from './aws-errors.ts'

/** Where AWS does not say when to come back: its quotas are per second. */
const throttledMs = 1_000
/** Longer than AWS ever asks for; a proxy that says hours would take the store away for hours. */
const longestPauseMs = 60_000

/** One attempt that failed, in our terms. */
export interface FailedAttempt {
  readonly error: SecretsError
  /** It may have changed something all the same. */
  readonly isOpen: boolean
}

/** Our own error for whatever the SDK threw when it sent a request. Nothing of that error comes along but what `Failure` has. */
export function failedAttempt(thrown: unknown, asked: Asked): FailedAttempt {
  const failure = failureOf(thrown)
  const known = rowOf(failure, asked)
  const row = known ?? rowOfStatus(failure)
  const problem = typeof row.problem === 'string' ? row.problem : row.problem(asked)
  const error = new SecretsError(row.code, problem, detailsOf(row, failure, known))
  return { error, isOpen: row.isOpen ?? false }
}

function detailsOf(row: Row, failure: Failure, known: Row | undefined): SecretsErrorDetails {
  const { name, status, requestId, retryAfterSeconds } = failure
  const retryAfterMs = retryAfterSeconds === undefined ? throttledMs : Math.min(retryAfterSeconds * 1_000, longestPauseMs)
  return {
    remedy: row.remedy,
    retryAt: row.code === 'RATE_LIMITED' ? Date.now() + retryAfterMs : undefined,
    // A name that is in our table is AWS's own; others could hold anything.
    storeStatus: status === undefined ? undefined : [status, known?.names.includes(name) ? name : ''].join(' ').trim(),
    storeRequestId: requestId,
  }
}

/** The same error, with more to tell. */
export function amended(error: SecretsError, details: SecretsErrorDetails): SecretsError {
  return new SecretsError(error.code, error.problem, { ...error, ...details })
}

/** Nobody knows what became of the write. */
export function isOpen(error: unknown): boolean {
  return SecretsError.isInstance(error) && error.effect === 'unknown'
}

export function withOpenEffect(error: unknown): unknown {
  return SecretsError.isInstance(error) ? amended(error, { effect: 'unknown' }) : error
}

/** Our own error for what the source of the credentials threw: nothing was sent to Secrets Manager. */
export function credentialsError(thrown: unknown, asked: Asked): SecretsError {
  const failure = failureOf(thrown)
  if (missing.has(failure.name) && failure.status === undefined) {
    return new SecretsError('CREDENTIALS_MISSING', 'no AWS credentials were found', {
      remedy: `give the process a role, a profile or the AWS_… variables; where it has none on purpose, AWS_EC2_METADATA_DISABLED=true spares the search's two seconds`,
    })
  }
  const { code } = failedAttempt(thrown, asked).error
  if (code === 'RATE_LIMITED')
    return new SecretsError(code, 'the source of the AWS credentials is throttling', { retryAt: Date.now() + throttledMs })
  if (code === 'UNAVAILABLE' || code === 'DEADLINE_EXCEEDED')
    return new SecretsError(code, 'the source of the AWS credentials cannot be reached')
  return new SecretsError('UNAUTHENTICATED', 'the source of the AWS credentials gave none', {
    remedy: 'check the role that is assumed, or what `clientConfig.credentials` does',
  })
}

const missing: ReadonlySet<string> = new Set(['CredentialsProviderError', 'TokenProviderError', 'ProviderError'])
