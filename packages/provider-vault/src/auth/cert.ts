import { loginPath } from './login-path.ts'
import type { VaultAuth } from './vault-auth.ts'

export interface CertOptions {
  /** The role; without it Vault tries all that trust the certificate. */
  readonly role?: string | undefined
  /** Where the method is mounted. Default: `cert`. */
  readonly mount?: string | undefined
}

/** Logs in with the client certificate of `tls.cert` and `tls.key`. */
export function cert({ role, mount = 'cert' }: CertOptions = {}): VaultAuth {
  const path = loginPath(mount)
  return { method: 'cert', prepare: async () => ({ path, body: role === undefined ? {} : { name: role } }) }
}
