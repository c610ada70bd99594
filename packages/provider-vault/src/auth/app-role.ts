import { knownOptions, type MembersOf, SecretsError } from '@finchat/secrets-core'
import { member } from '../answer.ts'
import { answerError } from '../sender.ts'
import { meaningOf } from '../answer-table.ts'
import { assertCredential, assertToken, type Credential, readCredential } from '../credential.ts'
import { loginPath } from './login-path.ts'
import type { AuthContext, VaultAuth } from './vault-auth.ts'

export interface AppRoleOptions {
  /** What `bao read auth/approle/role/NAME/role-id` prints: a UUID, not the role's name. */
  readonly roleId: Credential
  /** The secret id, or `{ wrapped }`: a wrapping token that holds one. May be left out where the role asks for none. */
  readonly secretId?: Credential | { readonly wrapped: Credential } | undefined
  /** Where the method is mounted. Default: `approle`. */
  readonly mount?: string | undefined
}

const members: MembersOf<AppRoleOptions> = { roleId: 'any', secretId: 'any', mount: 'string' }

/**
 * Logs in as a machine (AppRole). A wrapping token is unwrapped once, and its secret id kept for later logins; if it was unwrapped before,
 * `UNAUTHENTICATED` says so, for somebody else may then hold the secret id.
 *
 * @example
 * import { appRole, vaultProvider } from '@finchat/secrets-provider-vault'
 *
 * const auth = appRole({ roleId: '7c3f5b1e-…', secretId: { file: '/run/vault/secret-id' } })
 * console.log(vaultProvider({ url: 'https://vault.example:8200', auth }).name) // vault
 */
export function appRole(options: AppRoleOptions): VaultAuth {
  const { roleId, secretId, mount = 'approle' } = knownOptions(options, members)
  const path = loginPath(mount)
  assertCredential(roleId, '`roleId`')
  const secretIdOf = secretIdReader(secretId)
  return {
    method: 'approle',
    prepare: async (context) => {
      const role = await readCredential(roleId, '`roleId`', context.signal)
      const secret = await secretIdOf(context)
      return { path, body: { role_id: role, ...(secret !== undefined && { secret_id: secret }) } }
    },
  }
}

function secretIdReader(secretId: AppRoleOptions['secretId']): (context: AuthContext) => Promise<string | undefined> {
  if (secretId === undefined) return async () => undefined
  if (isWrapped(secretId)) return unwrapping(secretId.wrapped)
  assertCredential(secretId, '`secretId`')
  return ({ signal }) => readCredential(secretId, '`secretId`', signal)
}

function isWrapped(secretId: unknown): secretId is { readonly wrapped: Credential } {
  return typeof secretId === 'object' && secretId !== null && 'wrapped' in secretId
}

/** Keeps what came out of the last wrapping token: it opens only once, and one that was refused opens never. */
function unwrapping(source: Credential): (context: AuthContext) => Promise<string> {
  assertCredential(source, '`secretId.wrapped`')
  let last: { readonly wrapping: string; readonly secretId: string | SecretsError } | undefined
  return async (context) => {
    const wrapping = await readCredential(source, '`secretId.wrapped`', context.signal)
    if (last?.wrapping !== wrapping) last = { wrapping, secretId: await unwrap(wrapping, context) }
    if (typeof last.secretId === 'string') return last.secretId
    throw last.secretId
  }
}

/** The secret id, or the error that says that there is none to be had. */
async function unwrap(wrapping: string, { post }: AuthContext): Promise<string | SecretsError> {
  assertToken(wrapping)
  const answer = await post('sys/wrapping/unwrap', {}, wrapping)
  const meaning = meaningOf(answer, 'login')
  if (meaning?.code === 'UNAUTHENTICATED') {
    return new SecretsError('UNAUTHENTICATED', 'the wrapping token was used already, or has expired', {
      remedy: 'if nobody of yours used it, treat the secret id as stolen; then wrap a new one',
    })
  }
  if (meaning !== undefined) throw answerError(answer, meaning, 'login')
  const secretId = member(answer.body, 'data', 'secret_id')
  if (typeof secretId === 'string' && secretId !== '') return secretId
  return new SecretsError('CONFIGURATION', 'the wrapping token holds no secret id', {
    remedy: "wrap the answer of the role's secret-id path",
  })
}
