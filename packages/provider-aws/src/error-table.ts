import type { SecretsErrorCode } from '@finchat/secrets-core'
import { parseArn, resourceOf } from './arn.ts'
import type { Failure } from './failure.ts'
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
  /** It was answered, or never sent: nothing was changed. Otherwise nobody knows what became of a write. */
  readonly nothingDone?: true
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
    nothingDone: true,
  },
  { names: ['ResourceNotFoundException'], code: 'NOT_FOUND', problem: 'there is no such secret in AWS', nothingDone: true },
  {
    names: ['InvalidRequestException'],
    says: /marked for deletion|marked deleted|scheduled for deletion/,
    code: 'DELETED',
    problem: 'the secret is scheduled for deletion',
    remedy: 'restore it within its recovery window',
    nothingDone: true,
  },
  {
    names: ['InvalidRequestException'],
    says: /managed by another service/,
    code: 'CONFIGURATION',
    problem: 'the secret is managed by another AWS service',
    remedy: 'change it by means of that service',
    nothingDone: true,
  },
  {
    names: ['InvalidRequestException'],
    on: 'RotateSecret',
    code: 'CONFIGURATION',
    problem: 'AWS does not rotate this secret now: it has no rotation function, or a rotation is under way',
    remedy: "configure rotation in AWS, or wait for the one before to end",
    nothingDone: true,
  },
  {
    names: ['InvalidRequestException', 'PreconditionNotMetException', 'MalformedPolicyDocumentException', 'PublicPolicyException'],
    code: 'CONFIGURATION',
    problem: 'the secret is in a state that does not allow this',
    remedy: 'look at it in the AWS console',
    nothingDone: true,
  },
  {
    names: ['InvalidParameterException'],
    says: /replica/i,
    code: 'CONFIGURATION',
    problem: 'the secret has replicas, or is one: this is not possible in this region',
    remedy: "write in the secret's primary region; remove its replicas before it is deleted",
    nothingDone: true,
  },
  {
    names: ['InvalidParameterException'],
    on: 'UpdateSecretVersionStage',
    code: 'VERSION_CONFLICT',
    problem: 'another version became current meanwhile',
    remedy: 'read the current version and decide again',
    nothingDone: true,
  },
  {
    names: ['ResourceExistsException'],
    code: 'VERSION_CONFLICT',
    problem: 'somebody else just wrote this version',
    remedy: 'read the current version and decide again',
    nothingDone: true,
  },
  {
    names: ['InvalidParameterException', 'ValidationException', 'InvalidNextTokenException', 'SerializationException'],
    code: 'INVALID_ARGUMENT',
    problem: 'AWS refused what was passed',
    nothingDone: true,
  },
  {
    names: ['LimitExceededException'],
    code: 'CONFIGURATION',
    problem: 'a quota of AWS Secrets Manager is used up: secrets, versions, labels or tags',
    remedy: 'write less often than every 10 minutes, remove what is not needed, or ask AWS for a higher quota',
    nothingDone: true,
  },
  // Encryption
  {
    names: ['DecryptionFailure'],
    code: 'CONFIGURATION',
    problem: "AWS cannot decrypt the secret with its KMS key",
    remedy: 'enable the key, and allow kms:Decrypt on it',
    nothingDone: true,
  },
  {
    names: ['EncryptionFailure'],
    code: 'CONFIGURATION',
    problem: 'AWS cannot encrypt the secret with its KMS key',
    remedy: 'enable the key, and allow kms:GenerateDataKey and kms:Decrypt on it',
    nothingDone: true,
  },
  // Who asks
  {
    names: ['AccessDeniedException', 'AccessDenied'],
    says: /\bkms\b/i,
    code: 'PERMISSION_DENIED',
    problem: 'kms:Decrypt on the key of the secret is not allowed; for a write kms:GenerateDataKey too',
    remedy: `allow it in the key's policy, ${routeAway}`,
    nothingDone: true,
  },
  {
    names: ['AccessDeniedException', 'AccessDenied', 'NotAuthorized', 'UnauthorizedOperation', 'OptInRequired'],
    code: 'PERMISSION_DENIED',
    problem: ({ action, path, region }) =>
      `secretsmanager:${action} is not allowed${path === undefined ? '' : ` on ${resourceOf(path, region)}`}`,
    remedy: `allow it in the policy of these credentials, ${routeAway}`,
    nothingDone: true,
  },
  {
    names: ['ExpiredTokenException', 'ExpiredToken', 'TokenRefreshRequired'],
    code: 'UNAUTHENTICATED',
    problem: 'the credentials have expired',
    remedy: checkCredential,
    nothingDone: true,
  },
  {
    names: ['UnrecognizedClientException', 'InvalidClientTokenId', 'InvalidAccessKeyId', 'MissingAuthenticationToken', 'MissingAuthenticationTokenException'],
    code: 'UNAUTHENTICATED',
    problem: 'AWS does not know the credentials',
    remedy: `${checkCredential}; a temporary key needs its session token`,
    nothingDone: true,
  },
  {
    names: ['InvalidSignatureException', 'SignatureDoesNotMatch', 'IncompleteSignature', 'IncompleteSignatureException', 'AuthFailure'],
    code: 'UNAUTHENTICATED',
    problem: 'AWS refused the signature',
    remedy: "compare the secret access key, the region, and this machine's clock",
    nothingDone: true,
  },
  {
    names: ['RequestExpired', 'RequestTimeTooSkewed', 'RequestInTheFuture'],
    code: 'UNAUTHENTICATED',
    problem: "AWS refused the request's time",
    remedy: "set this machine's clock",
    nothingDone: true,
  },
  // How busy
  {
    names: ['ThrottlingException', 'Throttling', 'ThrottledException', 'TooManyRequestsException', 'RequestLimitExceeded', 'RequestThrottled', 'RequestThrottledException', 'SlowDown'],
    code: 'RATE_LIMITED',
    problem: ({ action }) => `AWS is throttling ${action}`,
    remedy: 'ask less often, or ask AWS for a higher quota',
    nothingDone: true,
  },
  { names: ['InternalServiceError', 'InternalFailure', 'ServiceUnavailable', 'ServiceUnavailableException'], code: 'UNAVAILABLE', problem: 'AWS Secrets Manager failed' },
  // What is there
  {
    names: ['UnknownOperationException', 'InvalidAction'],
    code: 'CONFIGURATION',
    problem: 'the endpoint does not speak the API of AWS Secrets Manager',
    remedy: 'correct `endpoint` or `region`',
    nothingDone: true,
  },
  // The network
  { names: ['ECONNREFUSED'], code: 'UNAVAILABLE', problem: 'the endpoint refuses connections', nothingDone: true },
  {
    names: ['ENOTFOUND', 'EAI_AGAIN'],
    code: 'UNAVAILABLE',
    problem: "the endpoint's name cannot be resolved",
    remedy: 'correct the region or the endpoint, or mend the name service',
    nothingDone: true,
  },
  { names: ['EHOSTUNREACH', 'ENETUNREACH', 'ENETDOWN', 'EADDRNOTAVAIL'], code: 'UNAVAILABLE', problem: 'there is no way to the endpoint', nothingDone: true },
  { names: ['ECONNRESET', 'EPIPE', 'ECONNABORTED'], code: 'UNAVAILABLE', problem: 'the connection was reset' },
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
    nothingDone: true,
  },
  {
    names: ['EPROTO', 'ERR_SSL_WRONG_VERSION_NUMBER'],
    code: 'CONFIGURATION',
    problem: 'the endpoint does not speak TLS as it should',
    remedy: 'correct the endpoint',
    nothingDone: true,
  },
  {
    // llhttp's codes, as Node.js passes them on
    names: ['HPE_INVALID_CONSTANT', 'HPE_INVALID_VERSION', 'HPE_INVALID_STATUS', 'HPE_INVALID_HEADER_TOKEN', 'HPE_INVALID_CONTENT_LENGTH', 'HPE_INVALID_CHUNK_SIZE', 'HPE_HEADER_OVERFLOW', 'HPE_CLOSED_CONNECTION'],
    code: 'UNAVAILABLE',
    problem: 'the endpoint did not answer in HTTP',
    remedy: 'correct `endpoint`',
  },
  { names: ['ETIMEDOUT', 'TimeoutError', 'RequestTimeout', 'RequestTimeoutException'], code: 'DEADLINE_EXCEEDED', problem: 'AWS did not answer in time' },
]

/** The row that holds for a failure, or `undefined` where neither AWS's name for it nor Node.js's code is known. */
export function rowOf(failure: Failure, asked: Asked): Row | undefined {
  const holds = ({ names, says, on, when }: Row, name: string | undefined): boolean =>
    name !== undefined &&
    names.includes(name) &&
    (says === undefined || says.test(failure.message)) &&
    (on === undefined || on === asked.action) &&
    (when === undefined || when(asked))
  // A reset connection arrives as a TimeoutError with the code ECONNRESET: Node.js's code says more.
  return errorTable.find((row) => holds(row, failure.systemCode)) ?? errorTable.find((row) => holds(row, failure.name))
}

/** What a status says by itself, where the answer has no name that is known: of a proxy, a balancer, a half-dead server, a newer AWS. */
export function rowOfStatus({ name, status }: Failure): Row {
  if (status === undefined) return { names: [], code: 'INTERNAL', problem: 'the AWS SDK failed in a way that is not known here' }
  if (status === 429) return { names: [], code: 'RATE_LIMITED', problem: 'the endpoint is throttling', nothingDone: true }
  // What comes with 200 and is no JSON is cut off, or is some proxy's page: nothing that AWS said.
  if (status >= 500 || status < 300) return { names: [], code: 'UNAVAILABLE', problem: 'the endpoint did not answer as AWS Secrets Manager does' }
  if (!nameless.has(name)) return { names: [], code: 'INTERNAL', problem: 'AWS answered with an error that is not known here' }
  const problem = 'the endpoint does not answer as AWS Secrets Manager does'
  return { names: [], code: 'CONFIGURATION', problem, remedy: 'correct `endpoint`, or let the proxy in between pass requests through' }
}

/** What the SDK calls an answer that names no error, or that it cannot parse. */
const nameless: ReadonlySet<string> = new Set(['Unknown', 'UnknownError', 'SyntaxError', 'Error', ''])

function isElsewhere({ path, region }: Asked): boolean {
  const arn = path === undefined ? undefined : parseArn(path)
  return arn !== undefined && arn.region !== region
}
