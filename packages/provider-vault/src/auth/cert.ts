import { knownOptions, type MembersOf } from '@finchat/secrets-core/provider'
import { loginPath, type VaultAuth } from './vault-auth.ts'

/** Options of `cert`. */
export interface CertOptions {
  /** The role. Without it Vault tries all that trust the certificate. */
  readonly role?: string | undefined
  /** The mount of the method. Default: `cert`. */
  readonly mount?: string | undefined
}

const members: MembersOf<CertOptions> = { role: 'string', mount: 'string' }

/**
 * Logs in with the client certificate of `tls.cert` and `tls.key`, whose files are read at each
 * login. Throws `CONFIGURATION` for an invalid mount.
 *
 * @example
 * import { cert, vaultProvider } from '@finchat/secrets-provider-vault'
 *
 * const tls = { cert: { file: '/run/tls/client.pem' }, key: { file: '/run/tls/client.key' } }
 * console.log(vaultProvider({ url: 'https://vault.example:8200', tls, auth: cert({ role: 'app' }) }).name) // vault
 */
export function cert(options: CertOptions = {}): VaultAuth {
  const { role, mount = 'cert' } = knownOptions(options, members)
  const path = loginPath(mount)
  return { method: 'cert', prepare: async () => ({ path, body: role === undefined ? {} : { name: role } }) }
}

/**
 * Adds the certificate to what identifies the credential: a refused one must not hold up its
 * successor.
 */
export function withCertificate(auth: VaultAuth, certificate: (signal: AbortSignal) => Promise<string | undefined>): VaultAuth {
  if (auth.method !== 'cert') return auth
  const prepare: VaultAuth['prepare'] = async (context) => {
    const login = await auth.prepare(context)
    return 'path' in login ? { ...login, credential: JSON.stringify([login, await certificate(context.signal)]) } : login
  }
  return { ...auth, prepare }
}
