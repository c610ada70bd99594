// The part to copy: how a service wires its stores. manager.test.ts shows what it sees when they
// fail.
import { type CacheOptions, createSecretsManager, type Environment, envProvider, type SecretsManager } from '@finchat/secrets-core'
import { type AwsProviderOptions, awsProvider } from '@finchat/secrets-provider-aws'
import { type LocalProviderOptions, localProvider } from '@finchat/secrets-provider-local'
import { type VaultProviderOptions, vaultProvider } from '@finchat/secrets-provider-vault'

/** What differs from stage to stage: where each store is, and how to log in. */
export interface Stores {
  readonly aws: AwsProviderOptions
  readonly vault: VaultProviderOptions
  readonly local: LocalProviderOptions
  readonly env?: Environment | undefined
}

/** What a store that hangs may cost one read, milliseconds, before the next one is asked. */
export const timeoutMs = 2_000

/**
 * The first store that has a secret answers. A later one is a fallback only while an earlier one is
 * unreachable, and its value is marked `degraded`.
 */
export function openSecrets({ aws, vault, local, env }: Stores, cache?: CacheOptions): SecretsManager {
  return createSecretsManager({
    providers: [awsProvider({ timeoutMs, ...aws }), vaultProvider({ timeoutMs, ...vault }), localProvider(local), envProvider({ env })],
    cache,
  })
}
