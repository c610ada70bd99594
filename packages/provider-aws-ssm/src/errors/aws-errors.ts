import type { SecretsErrorCode } from '@finchat/secrets-core'
import { resourceOf } from '../model/names.ts'
import type { ActionName, Asked } from '../model/sdk.ts'

export interface Row {
  /** Error names of AWS or the SDK, or codes of Node.js, separated by spaces. */
  readonly names: string
  /** Words that the message must contain, where AWS uses one name for several errors. */
  readonly says?: RegExp
  readonly on?: ActionName
  /** The only status that AWS sends it with. */
  readonly status?: number
  readonly code: SecretsErrorCode
  readonly problem: string | ((asked: Asked) => string)
  readonly remedy?: string
  /** A write may have happened; in every other row it was refused or never sent. */
  readonly isEffectUnknown?: true
}

/** Our own codes for a refused body, in the form of Node.js codes. */
export const answerTooLarge = 'ANSWER_TOO_LARGE'
export const answerNotUtf8 = 'ANSWER_NOT_UTF8'

const routeAway = 'or let `names` and `onlyNamed` route the name away from this provider'
const endpointRemedy = 'correct `endpoint`, or check whether a proxy alters answers'

/** Every error that AWS is known for. The first matching row counts. */
export const awsErrors: readonly Row[] = [
  // The parameter
  {
    names: 'ParameterNotFound ParameterVersionNotFound InvalidResourceId',
    status: 400, // under another one a proxy wrote it, and an absence lets another provider answer
    code: 'NOT_FOUND',
    problem: 'there is no such parameter or version',
  },
  {
    names: 'ParameterAlreadyExists',
    code: 'VERSION_CONFLICT',
    problem: 'the parameter exists, and only a first version was to be written',
    remedy: 'read the current version and decide again',
  },
  {
    names: 'TooManyUpdates',
    on: 'PutParameter',
    code: 'VERSION_CONFLICT',
    problem: 'another writer is changing the parameter',
    remedy: 'read the current version and decide again',
  },
  {
    names: 'ParameterMaxVersionLimitExceeded',
    code: 'CONFIGURATION',
    problem: 'the oldest of the 100 versions that AWS keeps has a label, so AWS makes no new one',
    remedy: 'move the label to a newer version, or remove it',
  },
  {
    names: 'HierarchyTypeMismatchException',
    code: 'CONFIGURATION',
    problem: 'the parameter is no SecureString, and AWS changes no type',
    remedy: 'delete the parameter and write it anew',
  },
  {
    names: 'ParameterPatternMismatchException',
    code: 'INVALID_ARGUMENT',
    problem: 'the name or the value does not match what AWS or the allowed pattern of the parameter demands',
  },
  {
    names: 'ValidationException',
    says: /advanced-parameter tier/i,
    code: 'CONFIGURATION',
    problem: 'the value or the parameter needs another tier',
    remedy: "give `tier: 'Advanced'` or `tier: 'Intelligent-Tiering'`",
  },
  {
    names: 'ValidationException',
    says: /\bnest/i,
    code: 'INVALID_ARGUMENT',
    problem: 'the value has {{…}}, which AWS takes for another parameter',
    remedy: 'encode the value, say as base64',
  },
  {
    names: 'ParameterLimitExceeded ServiceQuotaExceededException LimitExceededException TooManyTagsError PoliciesLimitExceededException',
    code: 'CONFIGURATION',
    problem: 'a quota of Parameter Store is used up: parameters of a tier, policies or tags',
    remedy: 'remove what is not needed, use the Advanced tier, or ask AWS for a higher quota',
  },
  {
    names:
      'HierarchyLevelLimitExceededException IncompatiblePolicyException InvalidAllowedPatternException InvalidFilterKey InvalidFilterOption InvalidFilterValue InvalidNextToken InvalidParameterValue InvalidPolicyAttributeException InvalidPolicyTypeException InvalidResourceType MissingParameter SerializationException UnsupportedParameterType ValidationError ValidationException',
    code: 'INVALID_ARGUMENT',
    problem: 'AWS refused what was passed',
  },
  // Encryption
  {
    names: 'InvalidKeyId',
    code: 'CONFIGURATION',
    problem: 'the KMS key of the parameter cannot be used: it does not exist, is disabled, or will be deleted',
    remedy: 'enable or restore the key, or correct `keyId`',
  },
  {
    names: 'AccessDeniedException AccessDenied',
    says: /\bkms\b|customer master key|ciphertext/i,
    code: 'PERMISSION_DENIED',
    problem: 'kms:Decrypt on the key of the parameter is not allowed; for a write kms:Encrypt, or kms:GenerateDataKey for an advanced one',
    remedy: `allow it in the key's policy, ${routeAway}`,
  },
  // Who asks
  {
    names: 'AccessDeniedException AccessDenied NotAuthorized UnauthorizedOperation OptInRequired',
    code: 'PERMISSION_DENIED',
    problem: ({ action, name, region }) => `ssm:${action} is not allowed on ${name === undefined ? '*' : resourceOf(name, region)}`,
    remedy: `allow it in the policy of these credentials, ${routeAway}`,
  },
  {
    names: 'ExpiredTokenException ExpiredToken TokenRefreshRequired RequestExpired RequestTimeTooSkewed RequestInTheFuture',
    code: 'UNAUTHENTICATED',
    problem: 'the credentials have expired, or the time of this machine is wrong',
    remedy: "replace the credentials, or set this machine's clock",
  },
  {
    names:
      'UnrecognizedClientException InvalidClientTokenId InvalidAccessKeyId MissingAuthenticationToken MissingAuthenticationTokenException InvalidSignatureException SignatureDoesNotMatch IncompleteSignature IncompleteSignatureException AuthFailure',
    code: 'UNAUTHENTICATED',
    problem: 'AWS does not know the credentials, or refused their signature',
    remedy: 'replace the credentials; a temporary key needs its session token',
  },
  // How busy
  {
    names:
      'TooManyUpdates BandwidthLimitExceeded PriorRequestNotComplete RequestLimitExceeded RequestThrottled RequestThrottledException SlowDown ThrottledException Throttling ThrottlingException TooManyRequestsException',
    code: 'RATE_LIMITED',
    problem: ({ action }) => `AWS is throttling ${action}`,
    remedy: 'ask less often, share a cache, or enable higher throughput in Parameter Store',
  },
  {
    names:
      'InternalError InternalFailure InternalServerError InternalServiceError RequestAborted ServiceUnavailable ServiceUnavailableException',
    code: 'UNAVAILABLE',
    problem: 'AWS Systems Manager failed',
    isEffectUnknown: true,
  },
  // What is there
  {
    names: 'UnknownOperationException InvalidAction MissingAction EndpointError',
    code: 'CONFIGURATION',
    problem: 'the endpoint does not speak the API of AWS Systems Manager',
    remedy: 'correct `endpoint` or `region`',
  },
]

/** Errors of the network, as Node.js and the SDK report them. */
export const networkErrors: readonly Row[] = [
  {
    names: 'ECONNREFUSED ENOTFOUND EAI_AGAIN EHOSTUNREACH ENETUNREACH ENETDOWN EADDRNOTAVAIL',
    code: 'UNAVAILABLE',
    problem: 'the endpoint cannot be reached',
    remedy: 'correct the region or the endpoint, or repair the network',
  },
  {
    names:
      'ECONNRESET EPIPE ECONNABORTED ERR_HTTP2_GOAWAY_SESSION ERR_HTTP2_SESSION_ERROR ERR_HTTP2_STREAM_CANCEL ERR_HTTP2_STREAM_ERROR ERR_STREAM_PREMATURE_CLOSE HPE_INVALID_CONSTANT HPE_INVALID_VERSION HPE_INVALID_STATUS HPE_INVALID_HEADER_TOKEN HPE_INVALID_CONTENT_LENGTH HPE_INVALID_CHUNK_SIZE HPE_HEADER_OVERFLOW HPE_CLOSED_CONNECTION',
    code: 'UNAVAILABLE',
    problem: 'the connection was reset, or the endpoint did not answer in HTTP',
    isEffectUnknown: true,
  },
  {
    names:
      'CERT_CHAIN_TOO_LONG CERT_HAS_EXPIRED CERT_NOT_YET_VALID CERT_REJECTED CERT_REVOKED CERT_SIGNATURE_FAILURE CERT_UNTRUSTED DEPTH_ZERO_SELF_SIGNED_CERT ERR_TLS_CERT_ALTNAME_INVALID HOSTNAME_MISMATCH INVALID_CA INVALID_PURPOSE SELF_SIGNED_CERT_IN_CHAIN UNABLE_TO_GET_ISSUER_CERT UNABLE_TO_GET_ISSUER_CERT_LOCALLY UNABLE_TO_VERIFY_LEAF_SIGNATURE EPROTO ERR_SSL_WRONG_VERSION_NUMBER',
    code: 'CONFIGURATION',
    problem: "the endpoint's certificate is not trusted, or it does not speak TLS as it should",
    remedy: 'trust its authority by NODE_EXTRA_CA_CERTS, or correct the endpoint',
  },
  {
    names: answerTooLarge,
    code: 'INTERNAL',
    problem: 'the endpoint answered more than AWS ever does',
    isEffectUnknown: true,
    remedy: endpointRemedy,
  },
  {
    names: answerNotUtf8,
    code: 'INTERNAL',
    problem: 'the endpoint answered bytes that are not UTF-8',
    isEffectUnknown: true,
    remedy: endpointRemedy,
  },
  {
    names: 'ETIMEDOUT TimeoutError RequestTimeout RequestTimeoutException',
    code: 'DEADLINE_EXCEEDED',
    problem: 'AWS did not answer in time',
    isEffectUnknown: true,
  },
]
