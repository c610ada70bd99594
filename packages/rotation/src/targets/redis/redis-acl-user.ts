import type { CallContext, SecretValue } from '@finchat/secrets-core'
import { configurationError, knownOptions, loadCrypto, SecretsError } from '@finchat/secrets-core/provider'
import type { Fence, RotationTarget } from '../target.ts'
import { anyPasswordIn, assertPassword, hasSamePassword, isRollback, nextValue, passwordIn, tokenOf } from '../value.ts'
import { type RedisClient, type RedisLogin, withClient } from './client.ts'
import { changePasswords, onEvery } from './fenced-acl.ts'

/** One server: ACLs are not replicated. */
export interface RedisNode {
  /**
   * Makes a client of the user that changes ACLs. It is not connected yet: the target connects and
   * ends it. Set `reconnectStrategy: false`: node-redis otherwise tries until the signal ends it.
   */
  readonly connect: (context: { readonly signal: AbortSignal }) => RedisClient | Promise<RedisClient>
  /**
   * Makes a client that logs in as an application does, for the test. It is not connected yet. Set
   * `reconnectStrategy: false` here too.
   */
  readonly login: (username: string, password: string) => RedisLogin
}

/** Options of `redisAclUser`. */
export interface RedisAclUserOptions {
  /** Every primary, replica and cluster node that applications log in to. */
  readonly nodes: readonly RedisNode[]
  /** The ACL user. */
  readonly user: string
  /** The key that holds the fence, on each node. Default `finchat:fence:` and the user. */
  readonly fenceKey?: string | undefined
  /** The field of the password, if the secret has fields. Default `password`. */
  readonly passwordField?: string | undefined
}

/**
 * Returns a target that sets the password of an ACL user of Redis or Valkey on every node. The new
 * and the former password are valid until the former is retired; others of the user are dropped.
 * The servers get SHA-256 hashes, which have no salt: generate passwords of 128 bits.
 *
 * The fence is a key. On a primary, a late `apply` of an older attempt is refused, unless the key
 * was lost. A restart without persistence loses it, and a failover may. A replica has it once it is
 * replicated. A cluster node loses it when its slot is moved.
 *
 * @example
 * import { createClient } from '@redis/client'
 * import { redisAclUser } from '@finchat/secrets-rotation/redis'
 *
 * const socket = { reconnectStrategy: false, connectTimeout: 5_000 } as const
 * const nodes = ['redis://cache-1.example', 'redis://cache-2.example'].map((url) => ({
 *   connect: () => createClient({ url, socket, username: 'rotator' }), // the target connects it
 *   login: (username: string, password: string) => createClient({ url, socket, username, password }),
 * }))
 * export const target = redisAclUser({ nodes, user: 'shop' })
 */
export function redisAclUser(options: RedisAclUserOptions): RotationTarget {
  const settings = checkedOptions(options)
  const { nodes, user, fenceKey, passwordField } = settings
  const hashOf = (value: SecretValue): string => sha256(passwordIn(value, passwordField))
  const set = async (hashes: (known: readonly string[]) => readonly string[], fence: Fence, { signal }: CallContext): Promise<void> => {
    const change = { user, fenceKey, hashes, token: tokenOf(fence) }
    const setAt = ({ connect }: RedisNode): Promise<void> =>
      withClient(
        () => connect({ signal }),
        signal,
        (client) => changePasswords(client, change),
      )
    await onEvery(nodes, setAt, 'unknown')
  }
  return {
    next: async (current, generate) => {
      const password = await generate()
      assertPassword(password)
      return nextValue(current, password, passwordField)
    },
    apply: async (value, fence, context, current) => {
      const hash = hashOf(value)
      const inForce = current && sha256(anyPasswordIn(current, passwordField) ?? '')
      const isKept = (other: string): boolean => other !== hash && (inForce === undefined || other === inForce)
      await set((known) => [...(isRollback(fence.token) ? [] : known.filter(isKept).slice(-1)), hash], fence, context)
    },
    isSameCredential: (one, other) => hasSamePassword(one, other, passwordField),
    test: async (value, { signal }) => {
      const password = passwordIn(value, passwordField)
      const answers = await onEvery(nodes, ({ login }) => testLogin(() => login(user, password), signal))
      return answers.includes('refused') ? 'refused' : 'accepted'
    },
    retire: async (_old, current, fence, context) => {
      const hash = hashOf(current)
      await set(() => [hash], fence, context)
    },
  }
}

function sha256(password: string): string {
  return loadCrypto().createHash('sha256').update(password).digest('hex')
}

type Checked = Required<Pick<RedisAclUserOptions, 'nodes' | 'user'>> & { readonly fenceKey: string; readonly passwordField: string }

function checkedOptions(options: RedisAclUserOptions): Checked {
  const known = knownOptions(options, { nodes: 'any', user: 'string', fenceKey: 'string', passwordField: 'string' })
  const { nodes, user, fenceKey = `finchat:fence:${user}`, passwordField = 'password' } = known
  // Redis takes any name without a space or NUL.
  if (typeof user !== 'string' || user === '' || /[\s\0]/.test(user))
    throw configurationError('`user` is no name of an ACL user', 'pass it without spaces')
  if (fenceKey === '') throw configurationError('`fenceKey` is empty', 'leave it out')
  const isNode = (node: RedisNode | undefined): boolean => typeof node?.connect === 'function' && typeof node.login === 'function'
  if (!Array.isArray(nodes) || nodes.length === 0 || !nodes.every(isNode))
    throw configurationError('`nodes` is no list of servers', 'pass `connect` and `login` for each')
  return { nodes, user, fenceKey, passwordField }
}

async function testLogin(login: () => RedisLogin, signal: AbortSignal): Promise<'accepted' | 'refused'> {
  try {
    return await withClient<RedisLogin, 'accepted'>(login, signal, async () => 'accepted')
  } catch (error) {
    if (SecretsError.isInstance(error) && error.storeStatus === 'WRONGPASS') return 'refused'
    throw error
  }
}
