import { SecretsError } from '@finchat/secrets-core'
import { knownOptions, type MembersOf, assertCredential, type Credential, readCredential } from '@finchat/secrets-core/provider'
import { canHoldPath } from '../shared/paths.ts'
import { loginPath, type VaultAuth } from './vault-auth.ts'

/** Options of `userpass`. */
export interface UserpassOptions {
  readonly username: string
  readonly password: Credential
  /** The mount of the method. Default: `userpass`. */
  readonly mount?: string | undefined
}

const members: MembersOf<UserpassOptions> = { username: 'string', password: 'any', mount: 'string' }

/**
 * Logs in with a user name and a password. Throws `CONFIGURATION` for an invalid name or mount.
 *
 * @example
 * import { userpass, vaultProvider } from '@finchat/secrets-provider-vault'
 *
 * const vault = vaultProvider({ url: 'https://vault.example:8200', auth: userpass({ username: 'bob', password: { file: '/run/vault/password' } }) })
 * console.log(vault.name) // vault
 */
export function userpass(options: UserpassOptions): VaultAuth {
  const { username, password, mount = 'userpass' } = knownOptions(options, members)
  if (!canHoldPath(username) || username.includes('/')) {
    throw new SecretsError('CONFIGURATION', '`username` is no user name', { remedy: 'use printable characters without /' })
  }
  assertCredential(password, '`password`')
  const path = loginPath(mount, username)
  return {
    method: 'userpass',
    prepare: async ({ signal }) => ({ path, body: { password: await readCredential(password, '`password`', signal) } }),
  }
}
