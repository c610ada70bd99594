import { SecretsError, type SecretsErrorCode, type SecretsErrorDetails } from '@finchat/secrets-core'
import { knownLoadFailure } from '@finchat/secrets-core/provider'
import { type Asked, awsSdk } from '../model/sdk.ts'
import { awsErrors, networkErrors, type Row } from './aws-errors.ts'

/** AWS names no time; its quotas are per second. */
const throttledMs = 1_000
/** A proxy that names hours must not take the store away for hours. */
const longestPauseMs = 60_000

export interface FailedAttempt {
  readonly error: SecretsError
  /** Whether it may have changed something. */
  readonly isEffectUnknown: boolean
}

/**
 * All that is kept of an SDK error, which holds the session token, the signature and the body. The
 * message is compared with known words, and never shown.
 */
interface Failure {
  readonly name: unknown
  readonly code: unknown
  readonly message: string
  readonly status: number | undefined
  readonly requestId: string | undefined
  readonly retryAfter: unknown
}

function failureOf(thrown: unknown): Failure {
  const { name, code, message, $metadata, $response } = membersOf(thrown)
  const { httpStatusCode, requestId } = membersOf($metadata)
  const { statusCode, headers } = membersOf($response)
  return {
    name,
    code,
    message: typeof message === 'string' ? message : '',
    status: [httpStatusCode, statusCode].find((each) => typeof each === 'number'),
    requestId: typeof requestId === 'string' && /^[A-Za-z0-9-]{1,64}$/.test(requestId) ? requestId : undefined,
    retryAfter: membersOf(headers)['retry-after'],
  }
}

/** Our error for what the SDK threw. */
export function failedAttempt(thrown: unknown, asked: Asked): FailedAttempt {
  const unloaded = knownLoadFailure(awsSdk, thrown)
  if (unloaded) return { error: unloaded, isEffectUnknown: true }
  const failure = failureOf(thrown)
  // A reset connection is a TimeoutError with code ECONNRESET: the code says more.
  const known = rowOf(failure.code, failure, asked) ?? rowOf(failure.name, failure, asked)
  const row = known ?? rowOfStatus(failure)
  const problem = typeof row.problem === 'string' ? row.problem : row.problem(asked)
  return { error: new SecretsError(row.code, problem, detailsOf(row, failure)), isEffectUnknown: row.isEffectUnknown ?? false }
}

function detailsOf(row: Row, { name, status, requestId, retryAfter }: Failure): SecretsErrorDetails {
  return {
    remedy: row.remedy,
    retryAt: row.code === 'RATE_LIMITED' ? Date.now() + pauseMs(retryAfter) : undefined,
    // Only a name from our table is certain to be AWS's.
    storeStatus: status === undefined ? undefined : [status, isNamed(row, name) ? name : ''].join(' ').trim(),
    storeRequestId: requestId,
  }
}

function membersOf(thing: unknown): Readonly<Record<string, unknown>> {
  return Object(thing)
}

/** Seconds (RFC 9110, 10.2.3); AWS does not send dates. */
function pauseMs(retryAfter: unknown): number {
  const isNumber = typeof retryAfter === 'string' && /^\d{1,4}$/.test(retryAfter)
  return isNumber ? Math.min(Number(retryAfter) * 1_000, longestPauseMs) : throttledMs
}

/** The first matching row counts. */
export const errorTable: readonly Row[] = [...awsErrors, ...networkErrors]

function isNamed({ names }: Row, name: unknown): boolean {
  return typeof name === 'string' && name !== '' && names.split(' ').includes(name)
}

function rowOf(name: unknown, { message, status }: Failure, { action }: Asked): Row | undefined {
  const holds = (row: Row): boolean =>
    (row.says?.test(message) ?? true) && (row.on ?? action) === action && (status === undefined || (row.status ?? status) === status)
  return errorTable.find((row) => isNamed(row, name) && holds(row))
}

/** For an unknown name: from a proxy, a balancer, a newer AWS. Whether a write happened stays open. */
function rowOfStatus({ status, name }: Failure): Row {
  if (status === undefined) return unnamed('INTERNAL', 'the AWS SDK failed for an unknown reason')
  if (status === 429) return { names: '', code: 'RATE_LIMITED', problem: 'the endpoint is throttling' }
  // With status 200 but not JSON: cut off, or a proxy's page.
  if (status >= 500 || status < 300) return unnamed('UNAVAILABLE', 'the endpoint did not answer as AWS Systems Manager does')
  if (!nameless.has(String(name)))
    return unnamed(
      'INTERNAL',
      `AWS answered with an unknown error: ${status}${isTypeName(name) ? ` ${name}` : ''}`,
      'see whether `endpoint` is AWS: a proxy or an emulator may answer otherwise',
    )
  return unnamed(
    'CONFIGURATION',
    'the endpoint does not answer as AWS Systems Manager does',
    'correct `endpoint`, or let the proxy in between pass requests through',
  )
}

/** Letters alone, as each type of AWS has: another text may be part of a secret. */
function isTypeName(name: unknown): name is string {
  return typeof name === 'string' && /^[A-Z][A-Za-z]{0,59}(Exception|Error|Failure|Fault)$/.test(name)
}

function unnamed(code: SecretsErrorCode, problem: string, remedy?: string): Row {
  return { names: '', code, problem, isEffectUnknown: true, ...(remedy !== undefined && { remedy }) }
}

/** Names that the SDK gives to an answer without an error name, or one that it cannot parse. */
const nameless: ReadonlySet<string> = new Set(['Unknown', 'UnknownError', 'SyntaxError', 'Error', 'undefined', ''])

const searches: ReadonlySet<string> = new Set(['CredentialsProviderError', 'TokenProviderError', 'ProviderError'])

/** Our error for a failing source of credentials: nothing was sent to Systems Manager. */
export function credentialsError(thrown: unknown, asked: Asked): SecretsError {
  const { name, $metadata } = membersOf(thrown)
  if (searches.has(String(name)) && $metadata === undefined) {
    return new SecretsError('CREDENTIALS_MISSING', 'no AWS credentials were found', {
      remedy: `give the process a role, a profile or the AWS_… variables; where it has none on purpose, AWS_EC2_METADATA_DISABLED=true spares the search's two seconds`,
    })
  }
  const unloaded = knownLoadFailure(awsSdk, thrown)
  if (unloaded) return unloaded
  const { code, retryAt } = failedAttempt(thrown, asked).error
  if (code === 'RATE_LIMITED' || code === 'UNAVAILABLE' || code === 'DEADLINE_EXCEEDED')
    return new SecretsError(code, 'the source of the AWS credentials cannot be reached, or is throttling', { retryAt })
  return new SecretsError('UNAUTHENTICATED', 'the source of the AWS credentials gave none', {
    remedy: 'check the role that is assumed, or what `clientConfig.credentials` does',
  })
}
