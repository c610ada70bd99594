import type { ProviderManifest } from '@finchat/secrets-core/provider'
import { canHoldPath } from './names.ts'

/** Sources: the API reference, and "AWS Systems Manager endpoints and quotas". */
export const limits = {
  /** `PutParameter`, `Value`: 4 KB for standard parameters, 8 KB for advanced ones. */
  standardBytes: 4_096,
  advancedBytes: 8_192,
  /** `GetParameters`, `Names`. */
  batchNames: 10,
  /** `MaxResults` of `DescribeParameters` and `GetParameterHistory`. */
  pageSize: 50,
  /** `MaxResults` of `GetParametersByPath`. */
  pathPageSize: 10,
  /** `AddTagsToResource`, "Tag naming limits and requirements". */
  tags: 50,
  tagKeyLength: 128,
  tagValueLength: 256,
} as const

/** The tiers of `PutParameter`. Without one, AWS takes the default of account and region. */
export type ParameterTier = 'Standard' | 'Advanced' | 'Intelligent-Tiering'

/** The largest value that a write may have. */
export function mostBytes(tier: ParameterTier | undefined): number {
  return tier === 'Advanced' || tier === 'Intelligent-Tiering' ? limits.advancedBytes : limits.standardBytes
}

/**
 * The limits of Parameter Store and what the provider supports, for programs. With the tiers
 * `Advanced` and `Intelligent-Tiering` values have up to 8,192 bytes. AWS counts the versions by
 * itself and cannot compare: a write may name version 1 or `ifCurrent: null`, and no other. Paths
 * such as `/prod/db:3` are read too.
 *
 * @example
 * import { ssmManifest } from '@finchat/secrets-provider-aws-ssm'
 *
 * const { values, numbering, canHoldPath } = ssmManifest
 * console.log(values.maxBytes, numbering, canHoldPath('prod/db')) // 4096 assigned false
 */
export const ssmManifest: ProviderManifest = {
  supports: ['getVersion', 'getMany', 'describe', 'list', 'put', 'tag', 'delete', 'probe', 'checkHealth'],
  values: { minBytes: 1, maxBytes: limits.standardBytes, binary: false },
  canHoldPath,
  numbering: 'assigned',
}
