import type { SecretsErrorCode } from '@finchat/secrets-core'
import { parseArn, resourceOf } from '../model/arn.ts'
import type { ActionName } from '../model/sdk.ts'

/** The context of an error message. */
export interface RequestContext {
  readonly action: ActionName
  /** The name or ARN; absent for calls on several secrets. */
  readonly path?: string | undefined
  readonly region: string
}

export interface Row {
  /** Error names of AWS or the SDK, or codes of Node.js. */
  readonly names: readonly string[]
  /** Words that the message must contain, where AWS uses one name for several errors. */
  readonly says?: RegExp
  readonly on?: ActionName
  readonly when?: (asked: RequestContext) => boolean
  /** The only statuses that it comes with. An error inside an answer has none. */
  readonly statuses?: readonly number[]
  readonly code: SecretsErrorCode
  readonly problem: string | ((asked: RequestContext) => string)
  readonly remedy?: string
  /** A write may have happened; in every other row it was refused or never sent. */
  readonly isEffectUnknown?: true
}

/** Error names of endpoints that lack an action, such as older emulators. */
export const unknownActionNames: readonly string[] = ['UnknownOperationException', 'InvalidAction', 'MissingAction']

/** Such as one that Terraform created. It exists, so no other provider may answer for it. */
export const withoutValue = {
  code: 'CONFIGURATION',
  problem: 'the secret exists and has no value',
  remedy: 'write its first value, or delete the secret',
} as const

const routeAway = 'or let `names` and `onlyNamed` route the name away from this provider'
const checkCredential = 'replace the credentials, or let the role issue new ones'

/** Every error that AWS is known for. The first matching row counts. */
export const awsErrors: readonly Row[] = [
  // The secret
  {
    names: ['ResourceNotFoundException'],
    when: isElsewhere,
    code: 'CONFIGURATION',
    problem: ({ region }) => `the ARN is of another region, and this provider asks ${region}`,
    remedy: "make another provider for the ARN's region, or replicate the secret and use its name",
  },
  {
    names: ['ResourceNotFoundException'],
    when: ({ action }) => action === 'CreateSecret',
    code: 'CONFIGURATION',
    problem: 'the KMS key for the new secret does not exist',
    remedy: 'correct `kmsKeyId`, or create the key in this region',
  },
  {
    names: ['ResourceNotFoundException'],
    says: /\bkms\b/i,
    code: 'CONFIGURATION',
    problem: 'the KMS key of the secret does not exist',
    remedy: 'restore the key, or give the secret another one in AWS',
  },
  {
    names: ['ResourceNotFoundException'],
    says: /\bvalue for staging label: AWSCURRENT\b/,
    ...withoutValue,
  },
  {
    names: ['ResourceNotFoundException'],
    // AWS sends 400, moto 404. Under others a proxy wrote it, and an absence lets another provider answer.
    statuses: [400, 404],
    code: 'NOT_FOUND',
    problem: 'there is no such secret in AWS',
  },
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
    problem: 'another writer just wrote this version',
    remedy: 'read the current version and decide again',
  },
  {
    names: [
      'InvalidParameterException',
      'InvalidParameterCombination',
      'InvalidParameterValue',
      'InvalidQueryParameter',
      'InvalidNextTokenException',
      'MalformedQueryString',
      'MissingParameter',
      'SerializationException',
      'ValidationError',
      'ValidationException',
    ],
    code: 'INVALID_ARGUMENT',
    problem: 'AWS refused what was passed',
  },
  {
    names: ['RequestEntityTooLarge', 'RequestEntityTooLargeException'],
    code: 'INVALID_ARGUMENT',
    problem: 'the request is larger than AWS takes',
    remedy: 'write a smaller value, or fewer tags',
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
    names: ['OptInRequired', 'SubscriptionRequiredException'],
    code: 'PERMISSION_DENIED',
    problem: 'the AWS account has no subscription to Secrets Manager in this region',
    remedy: 'enable the region and the service for the account, or correct the account or the region',
  },
  {
    names: ['AccessDeniedException', 'AccessDenied', 'NotAuthorized', 'UnauthorizedOperation'],
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
    // `THROTTLING_ERROR_CODES` of @smithy/core without LimitExceededException: a quota does not
    // pass.
    names: [
      'BandwidthLimitExceeded',
      'EC2ThrottledException',
      'PriorRequestNotComplete',
      'ProvisionedThroughputExceededException',
      'RequestLimitExceeded',
      'RequestThrottled',
      'RequestThrottledException',
      'SlowDown',
      'ThrottledException',
      'Throttling',
      'ThrottlingException',
      'TooManyRequestsException',
      'TransactionInProgressException',
    ],
    code: 'RATE_LIMITED',
    problem: ({ action }) => `AWS is throttling ${action}`,
    remedy: 'ask less often, or ask AWS for a higher quota',
  },
  {
    names: [
      'InternalError',
      'InternalFailure',
      'InternalServerError',
      'InternalServerException',
      'InternalServiceError',
      'ServiceUnavailable',
      'ServiceUnavailableException',
    ],
    code: 'UNAVAILABLE',
    problem: 'AWS Secrets Manager failed',
    isEffectUnknown: true,
  },
  {
    names: ['RequestAborted', 'RequestAbortedException'],
    code: 'UNAVAILABLE',
    problem: 'AWS lost the connection before it answered',
    isEffectUnknown: true,
  },
  // What is there
  {
    names: [...unknownActionNames],
    code: 'CONFIGURATION',
    problem: 'the endpoint does not speak the API of AWS Secrets Manager',
    remedy: 'correct `endpoint` or `region`',
  },
  {
    names: ['MalformedHttpRequestException'],
    code: 'CONFIGURATION',
    problem: 'AWS could not read the request as HTTP',
    remedy: 'check whether a proxy alters requests',
  },
  {
    names: ['EndpointError'],
    code: 'CONFIGURATION',
    problem: 'the SDK finds no endpoint for this region and these settings',
    remedy: 'correct `region` and `endpoint`, or unset AWS_USE_FIPS_ENDPOINT and AWS_USE_DUALSTACK_ENDPOINT',
  },
]

function isElsewhere({ path, region }: RequestContext): boolean {
  const arn = path === undefined ? undefined : parseArn(path)
  return arn !== undefined && arn.region !== region
}
