import type { SecretsErrorCode } from '@finchat/secrets-core'
import { answerTooLarge } from './answer-size.ts'
import { parseArn, resourceOf } from './arn.ts'
import type { ActionName } from './sdk.ts'

/** What was asked of whom, for the words of an error. */
export interface Asked {
  readonly action: ActionName
  /** The name or ARN that it was about; absent where it is about none. */
  readonly path?: string | undefined
  readonly region: string
}

export interface Row {
  /** The names that AWS or the SDK gives the error, or Node.js's code of it. */
  readonly names: readonly string[]
  /** The row holds only if the message has these words; for what AWS tells apart by its message alone. */
  readonly says?: RegExp
  /** The row holds only for this action. */
  readonly on?: ActionName
  readonly when?: (asked: Asked) => boolean
  readonly code: SecretsErrorCode
  readonly problem: string | ((asked: Asked) => string)
  readonly remedy?: string
  /** Nobody knows what became of a write; of all others it is known that it was refused, or never sent. */
  readonly isOpen?: true
}

const routeAway = 'or let `names` and `onlyNamed` route the name away from this provider'
const checkCredential = 'replace the credentials, or let the role issue new ones'

/** Every error that AWS, the SDK or the network is known for, in our terms. The first row that holds counts; what is not here is below. */
export const errorTable: readonly Row[] = [
  // The secret
  {
    names: ['ResourceNotFoundException'],
    when: isElsewhere,
    code: 'CONFIGURATION',
    problem: ({ region }) => `the ARN is of another region, and this provider asks ${region}`,
    remedy: "make another provider for the ARN's region, or replicate the secret and use its name",
  },
  { names: ['ResourceNotFoundException'], code: 'NOT_FOUND', problem: 'there is no such secret in AWS' },
  {
    names: ['InvalidRequestException'],
    says: /marked for deletion|marked deleted|scheduled for deletion/,
    code: 'DELETED',
    problem: 'the secret is scheduled for deletion',
    remedy: 'restore it within its recovery window',
  },
  {
    names: ['InvalidRequestException'],
    says: /managed by another service/,
    code: 'CONFIGURATION',
    problem: 'the secret is managed by another AWS service',
    remedy: 'change it by means of that service',
  },
  {
    names: ['InvalidRequestException'],
    on: 'RotateSecret',
    code: 'CONFIGURATION',
    problem: 'AWS does not rotate this secret now: it has no rotation function, or a rotation is under way',
    remedy: 'configure rotation in AWS, or wait for the one before to end',
  },
  {
    names: ['InvalidRequestException', 'PreconditionNotMetException', 'MalformedPolicyDocumentException', 'PublicPolicyException'],
    code: 'CONFIGURATION',
    problem: 'the secret is in a state that does not allow this',
    remedy: 'look at it in the AWS console',
  },
  {
    names: ['InvalidParameterException'],
    says: /replica/i,
    code: 'CONFIGURATION',
    problem: 'the secret has replicas, or is one: this is not possible in this region',
    remedy: "write in the secret's primary region; remove its replicas before it is deleted",
  },
  {
    names: ['InvalidParameterException'],
    on: 'UpdateSecretVersionStage',
    code: 'VERSION_CONFLICT',
    problem: 'another version became current meanwhile',
    remedy: 'read the current version and decide again',
  },
  {
    names: ['ResourceExistsException'],
    code: 'VERSION_CONFLICT',
    problem: 'somebody else just wrote this version',
    remedy: 'read the current version and decide again',
  },
  {
    names: ['InvalidParameterException', 'ValidationException', 'InvalidNextTokenException', 'SerializationException'],
    code: 'INVALID_ARGUMENT',
    problem: 'AWS refused what was passed',
  },
  {
    names: ['LimitExceededException'],
    code: 'CONFIGURATION',
    problem: 'a quota of AWS Secrets Manager is used up: secrets, versions, labels or tags',
    remedy: 'write less often than every 10 minutes, remove what is not needed, or ask AWS for a higher quota',
  },
  // Encryption
  {
    names: ['DecryptionFailure'],
    code: 'CONFIGURATION',
    problem: 'AWS cannot decrypt the secret with its KMS key',
    remedy: 'enable the key, and allow kms:Decrypt on it',
  },
  {
    names: ['EncryptionFailure'],
    code: 'CONFIGURATION',
    problem: 'AWS cannot encrypt the secret with its KMS key',
    remedy: 'enable the key, and allow kms:GenerateDataKey and kms:Decrypt on it',
  },
  // Who asks
  {
    names: ['AccessDeniedException', 'AccessDenied'],
    says: /\bkms\b/i,
    code: 'PERMISSION_DENIED',
    problem: 'kms:Decrypt on the key of the secret is not allowed; for a write kms:GenerateDataKey too',
    remedy: `allow it in the key's policy, ${routeAway}`,
  },
  {
    names: ['AccessDeniedException', 'AccessDenied', 'NotAuthorized', 'UnauthorizedOperation', 'OptInRequired'],
    code: 'PERMISSION_DENIED',
    problem: ({ action, path, region }) =>
      `secretsmanager:${action} is not allowed on ${path === undefined ? '*' : resourceOf(path, region)}`,
    remedy: `allow it in the policy of these credentials, ${routeAway}`,
  },
  {
    names: ['ExpiredTokenException', 'ExpiredToken', 'TokenRefreshRequired'],
    code: 'UNAUTHENTICATED',
    problem: 'the credentials have expired',
    remedy: checkCredential,
  },
  {
    names: [
      'UnrecognizedClientException',
      'InvalidClientTokenId',
      'InvalidAccessKeyId',
      'MissingAuthenticationToken',
      'MissingAuthenticationTokenException',
    ],
    code: 'UNAUTHENTICATED',
    problem: 'AWS does not know the credentials',
    remedy: `${checkCredential}; a temporary key needs its session token`,
  },
  {
    names: ['InvalidSignatureException', 'SignatureDoesNotMatch', 'IncompleteSignature', 'IncompleteSignatureException', 'AuthFailure'],
    code: 'UNAUTHENTICATED',
    problem: 'AWS refused the signature',
    remedy: "compare the secret access key, the region, and this machine's clock",
  },
  {
    names: ['RequestExpired', 'RequestTimeTooSkewed', 'RequestInTheFuture'],
    code: 'UNAUTHENTICATED',
    problem: "AWS refused the request's time",
    remedy: "set this machine's clock",
  },
  // How busy
  {
    names: [
      'ThrottlingException',
      'Throttling',
      'ThrottledException',
      'TooManyRequestsException',
      'RequestLimitExceeded',
      'RequestThrottled',
      'RequestThrottledException',
      'SlowDown',
    ],
    code: 'RATE_LIMITED',
    problem: ({ action }) => `AWS is throttling ${action}`,
    remedy: 'ask less often, or ask AWS for a higher quota',
  },
  {
    names: ['InternalServiceError', 'InternalFailure', 'ServiceUnavailable', 'ServiceUnavailableException'],
    code: 'UNAVAILABLE',
    problem: 'AWS Secrets Manager failed',
    isOpen: true,
  },
  // What is there
  {
    names: ['UnknownOperationException', 'InvalidAction'],
    code: 'CONFIGURATION',
    problem: 'the endpoint does not speak the API of AWS Secrets Manager',
    remedy: 'correct `endpoint` or `region`',
  },
  // The network
  { names: ['ECONNREFUSED'], code: 'UNAVAILABLE', problem: 'the endpoint refuses connections' },
  {
    names: ['ENOTFOUND', 'EAI_AGAIN'],
    code: 'UNAVAILABLE',
    problem: "the endpoint's name cannot be resolved",
    remedy: 'correct the region or the endpoint, or mend the name service',
  },
  {
    names: ['EHOSTUNREACH', 'ENETUNREACH', 'ENETDOWN', 'EADDRNOTAVAIL'],
    code: 'UNAVAILABLE',
    problem: 'there is no way to the endpoint',
  },
  { names: ['ECONNRESET', 'EPIPE', 'ECONNABORTED'], code: 'UNAVAILABLE', problem: 'the connection was reset', isOpen: true },
  {
    names: [
      'CERT_HAS_EXPIRED',
      'CERT_NOT_YET_VALID',
      'DEPTH_ZERO_SELF_SIGNED_CERT',
      'ERR_TLS_CERT_ALTNAME_INVALID',
      'SELF_SIGNED_CERT_IN_CHAIN',
      'UNABLE_TO_GET_ISSUER_CERT',
      'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    ],
    code: 'CONFIGURATION',
    problem: "the endpoint's certificate is not trusted",
    remedy: 'trust its authority by NODE_EXTRA_CA_CERTS, or correct the endpoint',
  },
  {
    names: ['EPROTO', 'ERR_SSL_WRONG_VERSION_NUMBER'],
    code: 'CONFIGURATION',
    problem: 'the endpoint does not speak TLS as it should',
    remedy: 'correct the endpoint',
  },
  {
    // llhttp's codes, as Node.js passes them on
    names: [
      'HPE_INVALID_CONSTANT',
      'HPE_INVALID_VERSION',
      'HPE_INVALID_STATUS',
      'HPE_INVALID_HEADER_TOKEN',
      'HPE_INVALID_CONTENT_LENGTH',
      'HPE_INVALID_CHUNK_SIZE',
      'HPE_HEADER_OVERFLOW',
      'HPE_CLOSED_CONNECTION',
    ],
    code: 'UNAVAILABLE',
    problem: 'the endpoint did not answer in HTTP',
    isOpen: true,
    remedy: 'correct `endpoint`',
  },
  {
    names: [answerTooLarge],
    code: 'INTERNAL',
    problem: 'the endpoint answered more than AWS ever does',
    isOpen: true,
    remedy: 'correct `endpoint`',
  },
  {
    names: ['ETIMEDOUT', 'TimeoutError', 'RequestTimeout', 'RequestTimeoutException'],
    code: 'DEADLINE_EXCEEDED',
    problem: 'AWS did not answer in time',
    isOpen: true,
  },
]

function isElsewhere({ path, region }: Asked): boolean {
  const arn = path === undefined ? undefined : parseArn(path)
  return arn !== undefined && arn.region !== region
}
