import { knownOptions, type MembersOf, assertCredential, type Credential, readCredential } from '@finchat/secrets-core/provider'
import { assertRole, loginPath, type VaultAuth } from './vault-auth.ts'

/** Options of `jwt`. */
export interface JwtOptions {
  /** The signed token of an issuer that the mount trusts. */
  readonly jwt: Credential
  /** Default: the mount's own `default_role`. */
  readonly role?: string | undefined
  /** The mount of the method. Default: `jwt`. */
  readonly mount?: string | undefined
}

/**
 * Logs in with a JSON Web Token, such as a CI job's. Throws `CONFIGURATION` for an invalid mount.
 *
 * @example
 * import { jwt, vaultProvider } from '@finchat/secrets-provider-vault'
 *
 * const vault = vaultProvider({ url: 'https://vault.example:8200', auth: jwt({ role: 'ci', jwt: { file: '/run/ci/token' } }) })
 * console.log(vault.name) // vault
 */
export function jwt(options: JwtOptions): VaultAuth {
  const { jwt: source, role, mount = 'jwt' } = knownOptions(options, members)
  return jwtLogin('jwt', '`jwt`', source, role, mount)
}

/** Options of `kubernetes`. */
export interface KubernetesOptions {
  readonly role: string
  /**
   * Default: the file that Kubernetes mounts into every pod. It changes, and each login reads it
   * again.
   */
  readonly jwt?: Credential | undefined
  /** The mount of the method. Default: `kubernetes`. */
  readonly mount?: string | undefined
}

/**
 * Logs in as the service account of this process's pod. Throws `CONFIGURATION` for an invalid
 * mount.
 *
 * @example
 * import { kubernetes, vaultProvider } from '@finchat/secrets-provider-vault'
 *
 * const vault = vaultProvider({ url: 'https://vault.example:8200', auth: kubernetes({ role: 'app' }) })
 * console.log(vault.name) // vault
 */
export function kubernetes(options: KubernetesOptions): VaultAuth {
  const { role, jwt: source = { file: serviceAccountToken }, mount = 'kubernetes' } = knownOptions(options, members)
  assertRole(role)
  return jwtLogin('kubernetes', "the service account's token", source, role, mount)
}

const members: MembersOf<JwtOptions & KubernetesOptions> = { jwt: 'any', role: 'string', mount: 'string' }
const serviceAccountToken = '/var/run/secrets/kubernetes.io/serviceaccount/token'

function jwtLogin(method: string, what: string, source: Credential, role: string | undefined, mount: string): VaultAuth {
  const path = loginPath(mount)
  assertCredential(source, what)
  return {
    method,
    prepare: async ({ signal }) => ({
      path,
      body: { jwt: await readCredential(source, what, signal), ...(role !== undefined && { role }) },
    }),
  }
}
