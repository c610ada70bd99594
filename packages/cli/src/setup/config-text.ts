import type { Environment } from '@finchat/secrets-core'
import type { Config, CredentialSource, DeclaredSecret, ProviderName } from '../config/config.ts'

/** What `init` was told. */
export interface Choice {
  readonly provider: ProviderName
  /** Where the key of the local store is. */
  readonly key: CredentialSource
  readonly secrets: readonly string[]
}

/** The configuration for a choice. The names stay readable from variables until each is in the store. */
export function configOf({ provider, key, secrets }: Choice, env: Environment): Config {
  return {
    $schema: './node_modules/@finchat/secrets-cli/src/config.schema.json',
    provider,
    ...(provider === 'env' ? {} : { fallbacks: ['env'] }),
    ...sectionOf(provider, key, env),
    secrets: Object.fromEntries(secrets.map((name): [string, DeclaredSecret] => [name, {}])),
  }
}

function sectionOf(provider: ProviderName, key: CredentialSource, { VAULT_ADDR: url }: Environment): Partial<Config> {
  const identity = { variable: 'AGE_IDENTITY' }
  switch (provider) {
    case 'local':
      return { local: { key } }
    case 'vault':
      return { vault: { url: url || 'https://vault.example:8200', token: { variable: 'VAULT_TOKEN' } } }
    case 'age':
      return { age: { file: 'secrets.age', identity } }
    case 'sops':
      return { sops: { file: 'secrets.sops.yaml', identity } }
    default:
      return {} // these find their store by themselves
  }
}

/** What is still to be said about a store, before it can be asked. */
export function openPoints(provider: ProviderName, { VAULT_ADDR: url }: Environment): string[] {
  const points: Partial<Record<ProviderName, string[]>> = {
    vault: [...(url ? [] : ['put the address of your server into "vault.url"']), 'set VAULT_TOKEN'],
    age: ['put the path of your file into "age.file"', 'set AGE_IDENTITY'],
    sops: ['put the path of your file into "sops.file"', 'set AGE_IDENTITY'],
  }
  return points[provider] ?? []
}

export function configText(config: Config, isTypescript: boolean): string {
  const json = JSON.stringify(config, undefined, 2)
  if (!isTypescript) return `${json}\n`
  const { $schema: _, ...members } = config
  return `import type { Config } from '@finchat/secrets-cli'\n\nconst config: Config = ${JSON.stringify(members, undefined, 2)}\n\nexport default config\n`
}
