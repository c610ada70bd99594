import { SecretsError, type SecretsErrorDetails } from '@finchat/secrets-core'
import { knownLoadFailure, withDetails } from '@finchat/secrets-core/provider'
import { type Failure, summaryOf, rowOf, rowOfStatus } from './classify.ts'
import type { RequestContext, Row } from './aws-errors.ts'
import { awsSdk } from '../model/sdk.ts'

/** AWS names no time; its quotas are per second. */
const throttledMs = 1_000
/** A proxy that names hours must not take the store away for hours. */
const longestPauseMs = 60_000

export interface FailedAttempt {
  readonly error: SecretsError
  /** Whether it may have changed something. */
  readonly isEffectUnknown: boolean
}

/** Our error for what the SDK threw while sending. Only the members of `Failure` are kept. */
export function failedAttempt(thrown: unknown, asked: RequestContext): FailedAttempt {
  const unloaded = knownLoadFailure(awsSdk, thrown)
  if (unloaded) return { error: unloaded, isEffectUnknown: true }
  const failure = summaryOf(thrown)
  const known = rowOf(failure, asked)
  const row = known ?? rowOfStatus(failure)
  const problem = typeof row.problem === 'string' ? row.problem : row.problem(asked)
  const error = new SecretsError(row.code, problem, detailsOf(row, failure, known))
  return { error, isEffectUnknown: row.isEffectUnknown ?? false }
}

function detailsOf(row: Row, failure: Failure, known: Row | undefined): SecretsErrorDetails {
  const { name, status, requestId, retryAfterSeconds } = failure
  const retryAfterMs = retryAfterSeconds === undefined ? throttledMs : Math.min(retryAfterSeconds * 1_000, longestPauseMs)
  return {
    remedy: row.remedy,
    retryAt: row.code === 'RATE_LIMITED' ? Date.now() + retryAfterMs : undefined,
    // Only a name from our table is certain to be AWS's.
    storeStatus: status === undefined ? undefined : [status, known?.names.includes(name) ? name : ''].join(' ').trim(),
    storeRequestId: requestId,
  }
}

/** Whether a write may have happened. */
export function hasUnknownEffect(error: unknown): boolean {
  return SecretsError.isInstance(error) && error.effect === 'unknown'
}

export function withUnknownEffect(error: unknown): unknown {
  return SecretsError.isInstance(error) ? withDetails(error, { effect: 'unknown' }) : error
}

/** Our error for a failing source of credentials: nothing was sent to Secrets Manager. */
export function credentialsError(thrown: unknown, asked: RequestContext): SecretsError {
  const failure = summaryOf(thrown)
  if (missing.has(failure.name) && failure.status === undefined) {
    return new SecretsError('CREDENTIALS_MISSING', 'no AWS credentials were found', {
      remedy: `give the process a role, a profile or the AWS_… variables; where it has none on purpose, AWS_EC2_METADATA_DISABLED=true spares the search's two seconds`,
    })
  }
  const unloaded = knownLoadFailure(awsSdk, thrown)
  if (unloaded) return unloaded
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
