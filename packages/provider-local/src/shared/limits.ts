import { isStorePath, type ProviderManifest } from '@finchat/secrets-core/provider'

/** Checked on write and on read, since a file may have been altered. */
export const limits = {
  valueBytes: 1_048_576,
  pathLength: 2048, // as in isStorePath
  version: 9_007_199_254_740_991, // Number.MAX_SAFE_INTEGER
  tags: 50,
  tagKeyLength: 128,
  tagValueLength: 512,
} as const

/**
 * What the local provider supports and its limits. The conformance suite reads it.
 *
 * @example
 * import { localManifest } from '@finchat/secrets-provider-local'
 *
 * console.log(localManifest.values.maxBytes, localManifest.numbering) // 1048576 any
 */
export const localManifest: ProviderManifest = {
  supports: ['getVersion', 'getMany', 'describe', 'list', 'put', 'tag', 'delete', 'restore', 'staging', 'probe', 'changes', 'checkHealth'],
  values: { minBytes: 0, maxBytes: limits.valueBytes, binary: true },
  canHoldPath: isStorePath, // compared byte by byte
  numbering: 'any',
}
