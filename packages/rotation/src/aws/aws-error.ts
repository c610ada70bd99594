import type { SecretsErrorCode } from '@finchat/secrets-core'
import { SecretsError } from '@finchat/secrets-core/provider'
import type { ActionName } from './client.ts'

interface Row {
  readonly names: readonly string[]
  /** Words of the message, where AWS uses one name for several errors. */
  readonly says?: readonly string[]
  readonly on?: ActionName
  readonly code: SecretsErrorCode
  readonly problem: string
  readonly remedy?: string
}

/** Errors of AWS and of the SDK. The first matching row counts. */
const rows: readonly Row[] = [
  {
    names: ['ResourceNotFoundException'],
    says: ['value for staging label: AWSCURRENT'],
    code: 'CONFIGURATION',
    problem: 'the secret has no current value to rotate',
    remedy: 'store the value that its target accepts now',
  },
  { names: ['ResourceNotFoundException'], code: 'NOT_FOUND', problem: 'there is no such secret or version in AWS' },
  {
    names: ['InvalidRequestException'],
    says: ['marked for deletion', 'marked deleted', 'scheduled for deletion'],
    code: 'DELETED',
    problem: 'the secret is scheduled for deletion',
    remedy: 'restore it within its recovery window',
  },
  {
    names: ['InvalidParameterException'],
    on: 'updateSecretVersionStage',
    code: 'VERSION_CONFLICT',
    problem: 'a staging label was moved meanwhile',
  },
  { names: ['ResourceExistsException'], code: 'VERSION_CONFLICT', problem: 'the version has a value already' },
  {
    names: ['AccessDeniedException', 'AccessDenied'],
    code: 'PERMISSION_DENIED',
    problem: 'the role of the function may not do this',
    remedy: 'allow it in its policy, and kms:Decrypt and kms:GenerateDataKey on a key of your own',
  },
  {
    names: ['DecryptionFailure', 'EncryptionFailure'],
    code: 'CONFIGURATION',
    problem: 'AWS cannot use the KMS key of the secret',
    remedy: 'enable the key, and allow kms:Decrypt and kms:GenerateDataKey on it',
  },
  {
    names: ['LimitExceededException'],
    code: 'CONFIGURATION',
    problem: 'a quota of AWS Secrets Manager is used up: versions or labels',
    remedy: 'remove labels of other tools from its versions, or ask AWS for a higher quota',
  },
  {
    names: ['CredentialsProviderError', 'ExpiredTokenException', 'InvalidSignatureException', 'UnrecognizedClientException'],
    code: 'UNAUTHENTICATED',
    problem: 'AWS does not accept the credentials of the client',
    remedy: 'give the function a role, or the client other credentials',
  },
  {
    names: ['ThrottlingException', 'Throttling', 'TooManyRequestsException', 'RequestLimitExceeded'],
    code: 'RATE_LIMITED',
    problem: 'AWS is throttling',
    remedy: 'rotate fewer secrets at once',
  },
  {
    names: ['InvalidRequestException', 'InvalidParameterException', 'ValidationException'],
    code: 'CONFIGURATION',
    problem: 'AWS refused what was asked of the secret',
    remedy: 'look at the secret in the AWS console: is it a replica, or managed by another service',
  },
]

/** What an error of AWS or the SDK means. Nothing of its text is kept: it holds the session token. */
export function awsError(thrown: unknown, action: ActionName): SecretsError {
  if (SecretsError.isInstance(thrown)) return thrown
  const { name, message, $metadata } = Object(thrown) as Readonly<Record<string, unknown>> // each is checked
  const row = rows.find(
    ({ names, says, on }) => typeof name === 'string' && names.includes(name) && isSaid(message, says) && (on ?? action) === action,
  )
  const { httpStatusCode: status, requestId } = Object($metadata) as Readonly<Record<string, unknown>>
  const details = {
    storeStatus: typeof status === 'number' ? [status, row && String(name)].filter(Boolean).join(' ') : undefined,
    storeRequestId: typeof requestId === 'string' && /^[\w-]{1,64}$/.test(requestId) ? requestId : undefined,
  }
  const problem = `${row?.problem ?? 'AWS did not answer as it should'}, at ${action}`
  if (row) return new SecretsError(row.code, problem, { ...details, remedy: row.remedy })
  const isWrite = action === 'putSecretValue' || action === 'updateSecretVersionStage'
  return new SecretsError('UNAVAILABLE', problem, { ...details, effect: isWrite ? 'unknown' : undefined })
}

/** Without a regular expression: V8 remembers the last text that one was tried on. */
function isSaid(message: unknown, texts: readonly string[] | undefined): boolean {
  return texts === undefined || (typeof message === 'string' && texts.some((text) => message.includes(text)))
}

/** An answer that AWS does not document. */
export function unexpectedAnswer(action: ActionName): SecretsError {
  const remedy = 'check whether the endpoint of the client is that of AWS Secrets Manager'
  return new SecretsError('INTERNAL', `AWS sent an answer that is not understood, at ${action}`, { remedy })
}
