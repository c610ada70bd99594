import type { ProviderManifest } from '@finchat/secrets-core/provider'
import { parseArn } from './arn.ts'

/** Source: the API reference, and "AWS Secrets Manager quotas" in the user guide. */
export const limits = {
  /** Holds for `SecretString` and `SecretBinary`. */
  valueBytes: 65_536,
  /** Across all versions of one secret. */
  stagingLabels: 20,
  batchIds: 20,
  tags: 50,
  tagKeyLength: 128,
  tagValueLength: 256,
} as const

/**
 * `CreateSecret`: ASCII letters, digits and /_+=.@-, up to 512. Names of secrets that AWS services
 * own also contain `!`, as in `rds!db-…`.
 */
const nameGrammar = /^[A-Za-z0-9/_+=.@!-]{1,512}$/

export function isSecretName(path: unknown): path is string {
  return typeof path === 'string' && nameGrammar.test(path)
}

/** A name, an ARN, or an ARN without AWS's suffix. */
export function canHoldPath(path: unknown): path is string {
  return isSecretName(path) || (typeof path === 'string' && isSecretName(parseArn(path)?.name))
}

/**
 * The limits of AWS Secrets Manager and what the provider supports, for programs.
 *
 * @example
 * import { awsManifest } from '@finchat/secrets-provider-aws'
 *
 * console.log(awsManifest.values.maxBytes, awsManifest.canHoldPath('/prod/db'), awsManifest.canHoldPath('prod db')) // 65536 true false
 */
export const awsManifest: ProviderManifest = {
  supports: ['getVersion', 'getMany', 'describe', 'list', 'put', 'tag', 'delete', 'restore', 'staging', 'probe', 'checkHealth'],
  values: { minBytes: 1, maxBytes: limits.valueBytes, binary: true },
  canHoldPath,
  numbering: 'any',
}
