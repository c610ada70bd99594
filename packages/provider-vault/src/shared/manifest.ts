import type { SecretProvider } from '@finchat/secrets-core'
import type { ProviderManifest } from '@finchat/secrets-core/provider'
import { canHoldPath } from './paths.ts'

/** What is written at most. Vault's storages differ (Consul holds 512 KiB with everything around); this is AWS's limit too. */
export const limits = {
  valueBytes: 65_536,
  tags: 64,
  tagKeyBytes: 128,
  tagValueBytes: 512,
} as const

/**
 * What the Vault provider supports and can hold, in public: the conformance suite and the documentation go by it. It speaks of KV v2; on a
 * KV v1 mount versions, tags, `restore` and staging are `UNSUPPORTED`.
 *
 * @example
 * import { vaultManifest } from '@finchat/secrets-provider-vault'
 *
 * console.log(vaultManifest.values.maxBytes, vaultManifest.numbering) // 65536 next
 */
export const vaultManifest: ProviderManifest = {
  supports: ['getVersion', 'describe', 'list', 'put', 'tag', 'delete', 'restore', 'staging', 'checkHealth'],
  values: { minBytes: 0, maxBytes: limits.valueBytes, binary: false },
  canHoldPath,
  numbering: 'next',
}

/** Members of the contract that this provider has, where a provider may leave them out. */
export type Provides<Member extends keyof SecretProvider> = { readonly [each in Member]-?: NonNullable<SecretProvider[each]> }
