import type { ProviderManifest } from '@finchat/secrets-core/provider'
import { parseArn } from './arn.ts'

/** What AWS documents: the API reference of each action, and "AWS Secrets Manager quotas" in the user guide. */
export const limits = {
  /** Bytes of `SecretString` and of `SecretBinary`; at least one. */
  valueBytes: 65_536,
  /** Labels attached across all versions of one secret. */
  stagingLabels: 20,
  /** Ids of one `BatchGetSecretValue`. */
  batchIds: 20,
  tags: 50,
  tagKeyLength: 128,
  tagValueLength: 256,
} as const

/**
 * "The secret name can contain ASCII letters, numbers, and the following characters: /_+=.@-", up to 512 (`CreateSecret`). The names of
 * secrets that another service owns have a `!` besides, such as `rds!db-…`.
 */
const nameGrammar = /^[A-Za-z0-9/_+=.@!-]{1,512}$/

export function isSecretName(path: unknown): path is string {
  return typeof path === 'string' && nameGrammar.test(path)
}

/** A secret's name, its ARN, or the ARN without the hyphen and the six characters that AWS appends to the name. */
export function canHoldPath(path: unknown): path is string {
  return isSecretName(path) || (typeof path === 'string' && isSecretName(parseArn(path)?.name))
}

/**
 * What the AWS provider supports and can hold, in public: the conformance suite and the documentation go by it.
 *
 * @example
 * import { awsManifest } from '@finchat/secrets-provider-aws'
 *
 * console.log(awsManifest.values.maxBytes, awsManifest.canHoldPath('/prod/db'), awsManifest.canHoldPath('prod db')) // 65536 true false
 */
export const awsManifest: ProviderManifest = {
  supports: ['getVersion', 'getMany', 'describe', 'list', 'put', 'tag', 'delete', 'restore', 'staging', 'checkHealth'],
  values: { minBytes: 1, maxBytes: limits.valueBytes, binary: true },
  canHoldPath,
  numbering: 'any',
}
