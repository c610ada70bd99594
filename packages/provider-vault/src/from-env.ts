import type { EnvironmentReader } from '@finchat/secrets-core'
import { tokenAuth } from './auth/token.ts'
import { namesFromEnv, withoutLineEnd } from '@finchat/secrets-core/provider'
import { type VaultProvider, vaultProvider } from './vault-provider.ts'

/**
 * A Vault provider from environment variables, for `secretsManagerFromEnv({ vault: vaultFromEnv
 * })`: `FINCHAT_VAULT_URL` (required), `FINCHAT_VAULT_TOKEN`, and `FINCHAT_VAULT_NAMES`, a list
 * such as `FINCHAT_TOKEN=finchat/token#token,DB=prod/db`. With `FINCHAT_VAULT_ONLY_NAMED=true` it is
 * asked for nothing else; `FINCHAT_VAULT_PREFIX` goes before all other names. Without a token every
 * call is `CREDENTIALS_MISSING`. Throws `CONFIGURATION` as `vaultProvider` does. Variables of Vault's own
 * tools are not read.
 *
 * @example
 * import { secretsManagerFromEnv } from '@finchat/secrets-core'
 * import { vaultFromEnv } from '@finchat/secrets-provider-vault'
 *
 * const env = { FINCHAT_SECRETS_PROVIDER: 'vault', FINCHAT_VAULT_URL: 'https://vault.example:8200', API_KEY: 'from-env' }
 * const secrets = secretsManagerFromEnv({ vault: vaultFromEnv }, { env })
 * const key = await secrets.getSecretValue('API_KEY') // no token: the next provider is asked
 * console.log(key.provider, key.degraded) // env true
 */
export function vaultFromEnv(env: EnvironmentReader): VaultProvider {
  const url = env.required('FINCHAT_VAULT_URL')
  const given = env.optional('FINCHAT_VAULT_TOKEN')
  return vaultProvider({
    url,
    auth: given === undefined ? undefined : tokenAuth(withoutLineEnd(given)),
    ...namesFromEnv(env, 'VAULT'),
  })
}
