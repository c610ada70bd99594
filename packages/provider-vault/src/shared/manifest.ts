import type { ProviderManifest } from '@finchat/secrets-core/provider'
import { canHoldPath } from './paths.ts'

/** Vault's storages differ (Consul: 512 KiB in total); this is also the limit of AWS. */
export const limits = {
  valueBytes: 65_536,
  tags: 64,
  tagKeyBytes: 128,
  tagValueBytes: 512,
} as const

/**
 * The limits and operations of the Vault provider, for the conformance suite and the documentation.
 * They are those of KV v2. On KV v1, versions, tags, `restore` and staging are `UNSUPPORTED`.
 *
 * @example
 * import { vaultManifest } from '@finchat/secrets-provider-vault'
 *
 * console.log(vaultManifest.values.maxBytes, vaultManifest.numbering) // 65536 next
 */
export const vaultManifest: ProviderManifest = {
  supports: ['getVersion', 'describe', 'list', 'put', 'tag', 'delete', 'restore', 'staging', 'probe', 'checkHealth'],
  values: { minBytes: 0, maxBytes: limits.valueBytes, binary: false },
  canHoldPath,
  numbering: 'next',
}
