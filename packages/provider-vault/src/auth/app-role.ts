import { SecretsError } from '@finchat/secrets-core'
import { knownOptions, type MembersOf, assertCredential, type Credential, readCredential } from '@finchat/secrets-core/provider'
import type { VaultAnswer } from '../http/answer.ts'
import { answerError } from '../protocol/request.ts'
import { classify } from '../protocol/responses.ts'
import { member, untilEnded } from '@finchat/secrets-core/http'
import { assertToken } from '../shared/token-bytes.ts'
import { TokenBytes } from '../shared/token-bytes.ts'
import { type AuthContext, loginPath, type VaultAuth } from './vault-auth.ts'

/** Options of `appRole`. */
export interface AppRoleOptions {
  /** As `bao read auth/approle/role/NAME/role-id` prints it: a UUID, not the role's name. */
  readonly roleId: Credential
  /**
   * The secret id, or `{ wrapped }`: a wrapping token that holds one. Omit it if the role needs
   * none.
   */
  readonly secretId?: Credential | { readonly wrapped: Credential } | undefined
  /** The mount of the method. Default: `approle`. */
  readonly mount?: string | undefined
}

const members: MembersOf<AppRoleOptions> = { roleId: 'any', secretId: 'any', mount: 'string' }

/**
 * Logs in as a machine (AppRole). A wrapping token is unwrapped once, and its secret id kept for
 * later logins. `UNAUTHENTICATED` tells if it was unwrapped before, or made by another path than a
 * role's secret ids: then somebody else may hold the secret id.
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
  const secretIdOf = secretIdReader(secretId, mount)
  return {
    method: 'approle',
    prepare: async (context) => {
      const role = await readCredential(roleId, '`roleId`', context.signal)
      const secret = await secretIdOf(context)
      return { path, body: { role_id: role, ...(secret !== undefined && { secret_id: secret }) } }
    },
  }
}

function secretIdReader(secretId: AppRoleOptions['secretId'], mount: string): (context: AuthContext) => Promise<string | undefined> {
  if (secretId === undefined) return async () => undefined
  if (isWrapped(secretId)) return unwrapping(secretId.wrapped, mount)
  assertCredential(secretId, '`secretId`')
  return ({ signal }) => readCredential(secretId, '`secretId`', signal)
}

function isWrapped(secretId: unknown): secretId is { readonly wrapped: Credential } {
  return typeof secretId === 'object' && secretId !== null && 'wrapped' in secretId
}

/**
 * Keeps the last unwrapped secret id: a wrapping token opens only once, and a refused one never.
 */
function unwrapping(source: Credential, mount: string): (context: AuthContext) => Promise<string> {
  assertCredential(source, '`secretId.wrapped`')
  let last: Unwrapping | undefined
  let sent: TokenBytes | undefined
  const open = (wrapping: string, context: AuthContext): Unwrapping => {
    const held = new TokenBytes(wrapping)
    const isSentBefore = sent?.is(wrapping) === true
    const opening = { wrapping: held, secretId: unwrap({ wrapping, mount, isSentBefore, onSending: () => (sent = held) }, context) }
    opening.secretId.catch(() => last === opening && (last = undefined))
    return (last = opening)
  }
  return async (context) => {
    const wrapping = await readCredential(source, '`secretId.wrapped`', context.signal)
    for (;;) {
      const earlier = last?.wrapping.is(wrapping) === true ? last : undefined
      // Another provider with the same `auth` may give up or close; then this one unwraps it.
      const [found] = await Promise.allSettled([untilEnded((earlier ?? open(wrapping, context)).secretId, context.signal)])
      if (found.status === 'rejected' && (earlier === undefined || context.signal.aborted)) throw found.reason
      if (found.status === 'rejected') continue
      if (found.value instanceof TokenBytes) return found.value.text()
      throw found.value
    }
  }
}

/** One unwrapping at a time: a second would find the token used, and report a theft. */
interface Unwrapping {
  readonly wrapping: TokenBytes
  readonly secretId: Promise<TokenBytes | SecretsError>
}

interface Wrapped {
  readonly wrapping: string
  readonly mount: string
  /** An earlier request had no answer. */
  readonly isSentBefore: boolean
  readonly onSending: () => void
}

/** Returns the secret id, or the error that explains why there is none. */
async function unwrap({ wrapping, mount, isSentBefore, onSending }: Wrapped, { post }: AuthContext): Promise<TokenBytes | SecretsError> {
  assertToken(wrapping)
  // A thief can wrap the secret id again, but not by this path, which takes no secret id from its
  // caller.
  const found = accepted(await post('sys/wrapping/lookup', { token: wrapping }))
  if (found === undefined) return usedAlready(isSentBefore)
  if (!isOfSecretIds(member(found.body, 'data', 'creation_path'), mount)) return madeElsewhere(mount)
  onSending()
  const answer = accepted(await post('sys/wrapping/unwrap', {}, wrapping))
  if (answer === undefined) return usedAlready(isSentBefore)
  const secretId = member(answer.body, 'data', 'secret_id')
  if (typeof secretId === 'string' && secretId !== '') return new TokenBytes(secretId)
  return new SecretsError('CONFIGURATION', 'the wrapping token holds no secret id', {
    remedy: "wrap the answer of the role's secret-id path",
  })
}

/** Undefined if Vault does not know the wrapping token. */
function accepted(answer: VaultAnswer): VaultAnswer | undefined {
  const outcome = classify(answer, 'login')
  if (outcome?.code === 'UNAUTHENTICATED') return undefined
  if (outcome !== undefined) throw answerError(answer, outcome, 'login')
  return answer
}

/** Vault writes the path without a namespace. A role's name has no slash. */
function isOfSecretIds(path: unknown, mount: string): boolean {
  const [start, end] = [`auth/${mount}/role/`, '/secret-id']
  if (typeof path !== 'string' || !path.startsWith(start) || !path.endsWith(end)) return false
  const role = path.slice(start.length, -end.length)
  return role !== '' && !role.includes('/')
}

const stolen = 'treat the secret id as stolen; then wrap a new one'

function usedAlready(isSentBefore: boolean): SecretsError {
  return isSentBefore
    ? new SecretsError('UNAUTHENTICATED', 'the wrapping token was used already, perhaps by this process, which got no answer', {
        remedy: `wrap a new one; if Vault's audit log shows another address that unwrapped it, ${stolen}`,
      })
    : new SecretsError('UNAUTHENTICATED', 'the wrapping token was used already, or has expired', {
        remedy: `if none of your processes used it, ${stolen}`,
      })
}

function madeElsewhere(mount: string): SecretsError {
  return new SecretsError(
    'UNAUTHENTICATED',
    `the wrapping token was not made by auth/${mount}/role/NAME/secret-id: a thief may have unwrapped the first one`,
    {
      remedy: `unless \`mount\` is wrong, ${stolen} by that path, since by custom-secret-id or sys/wrapping/wrap a thief could make one too`,
    },
  )
}
