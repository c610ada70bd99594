import type { EnvironmentReader } from '@finchat/secrets-core'
import { credentialFromEnv, namesFromEnv } from '@finchat/secrets-core/provider'
import { appRole } from './auth/app-role.ts'
import { jwt, kubernetes } from './auth/jwt.ts'
import { tokenAuth } from './auth/token.ts'
import type { VaultAuth } from './auth/vault-auth.ts'
import { type VaultProvider, vaultProvider } from './vault-provider.ts'

/**
 * A Vault provider from environment variables, for `secretsManagerFromEnv({ vault: vaultFromEnv
 * })`: `FINCHAT_VAULT_URL` (required), `FINCHAT_VAULT_MOUNT`, `FINCHAT_VAULT_NAMESPACE`,
 * `FINCHAT_VAULT_CA_FILE`, and `FINCHAT_VAULT_NAMES`, a list such as
 * `FINCHAT_TOKEN=finchat/token#token,DB=prod/db`. With `FINCHAT_VAULT_ONLY_NAMED=true` it is asked for
 * nothing else; `FINCHAT_VAULT_PREFIX` goes before all other names.
 *
 * It logs in by `FINCHAT_VAULT_TOKEN`, by `FINCHAT_VAULT_ROLE_ID` and `FINCHAT_VAULT_SECRET_ID` (AppRole),
 * by `FINCHAT_VAULT_ROLE` and `FINCHAT_VAULT_JWT`, or by `FINCHAT_VAULT_ROLE` alone, with the service
 * account of the pod. `FINCHAT_VAULT_TOKEN_FILE`, `FINCHAT_VAULT_SECRET_ID_FILE` and
 * `FINCHAT_VAULT_JWT_FILE` name files, which are read at each login. `FINCHAT_VAULT_AUTH_MOUNT` is the
 * mount of the login. Without a login every call is `CREDENTIALS_MISSING`. Throws `CONFIGURATION` as
 * `vaultProvider` does. Variables of Vault's own tools are not read.
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
  const ca = env.optional('FINCHAT_VAULT_CA_FILE')
  return vaultProvider({
    url: env.required('FINCHAT_VAULT_URL'),
    auth: authFromEnv(env),
    mount: env.optional('FINCHAT_VAULT_MOUNT'),
    namespace: env.optional('FINCHAT_VAULT_NAMESPACE'),
    tls: ca === undefined ? undefined : { ca: { file: ca } },
    ...namesFromEnv(env, 'VAULT'),
  })
}

function authFromEnv(env: EnvironmentReader): VaultAuth | undefined {
  const credential = (name: string) => credentialFromEnv(env, `FINCHAT_VAULT_${name}`)
  const [token, secretId, signed] = [credential('TOKEN'), credential('SECRET_ID'), credential('JWT')]
  const [roleId, role] = [env.optional('FINCHAT_VAULT_ROLE_ID'), env.optional('FINCHAT_VAULT_ROLE')]
  const mount = env.optional('FINCHAT_VAULT_AUTH_MOUNT')
  if ([token, roleId, role ?? signed].filter((way) => way !== undefined).length > 1) env.problem(severalLogins)
  if (secretId !== undefined && roleId === undefined) env.problem('FINCHAT_VAULT_SECRET_ID is given without FINCHAT_VAULT_ROLE_ID')
  if (token !== undefined && mount !== undefined) env.problem('FINCHAT_VAULT_AUTH_MOUNT is of no token: unset it')
  if (token !== undefined) return tokenAuth(token)
  if (roleId !== undefined) return appRole({ roleId, secretId, mount })
  if (signed !== undefined) return jwt({ jwt: signed, role, mount })
  return role === undefined ? undefined : kubernetes({ role, mount })
}

const severalLogins =
  'set one login: FINCHAT_VAULT_TOKEN, FINCHAT_VAULT_ROLE_ID (AppRole), or FINCHAT_VAULT_ROLE (Kubernetes, or FINCHAT_VAULT_JWT)'
