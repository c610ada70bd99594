/** An AWS error. Secrets Manager's own errors have `Message`, common ones `message`. */
export interface AwsError {
  readonly status: number
  readonly message: string
  readonly isCommon: boolean
}

export type AwsErrorName =
  | 'AccessDeniedException'
  | 'DecryptionFailure'
  | 'EncryptionFailure'
  | 'ExpiredTokenException'
  | 'InternalServiceError'
  | 'InvalidParameterException'
  | 'InvalidRequestException'
  | 'InvalidSignatureException'
  | 'LimitExceededException'
  | 'ResourceExistsException'
  | 'ResourceNotFoundException'
  | 'ServiceUnavailable'
  | 'ThrottlingException'
  | 'UnrecognizedClientException'
  | 'ValidationException'

/**
 * From the Secrets Manager API reference ("Errors" of each action, "Common Error Types"), with the
 * words that the service uses.
 */
export const awsErrors: Readonly<Record<AwsErrorName, AwsError>> = {
  AccessDeniedException: common(
    'User: arn:aws:iam::123456789012:user/app is not authorized to perform: secretsmanager:GetSecretValue on resource: prod/db because no identity-based policy allows the secretsmanager:GetSecretValue action',
  ),
  DecryptionFailure: own("Secrets Manager can't decrypt the protected secret text using the provided KMS key."),
  EncryptionFailure: own("Secrets Manager can't encrypt the protected secret text using the provided KMS key."),
  ExpiredTokenException: common('The security token included in the request is expired'),
  InternalServiceError: own('An error occurred on the server side.', 500),
  InvalidParameterException: own('The parameter name or value is invalid.'),
  InvalidRequestException: own("You can't perform this operation on the secret because it was marked for deletion."),
  InvalidSignatureException: common(
    'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.',
  ),
  LimitExceededException: own('The request failed because it would exceed one of the Secrets Manager quotas.'),
  ResourceExistsException: own('A resource with the ID you requested already exists.'),
  ResourceNotFoundException: own("Secrets Manager can't find the specified secret."),
  ServiceUnavailable: common('The request has failed due to a temporary failure of the server.', 503),
  ThrottlingException: common('Rate exceeded'),
  UnrecognizedClientException: common('The security token included in the request is invalid.'),
  ValidationException: common('1 validation error detected'),
}

function own(message: string, status = 400): AwsError {
  return { status, message, isCommon: false }
}

function common(message: string, status = 400): AwsError {
  return { status, message, isCommon: true }
}
