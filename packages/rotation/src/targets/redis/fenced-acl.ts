import { configurationError, hasCode, SecretsError, withDetails } from '@finchat/secrets-core/provider'
import type { RedisClient } from './client.ts'
import { hasNoAclFile, isMoved, notSaved, redisError, replyCode } from './redis-error.ts'

/** One change of a user's passwords. */
export interface AclChange {
  readonly user: string
  readonly token: number
  /** The key that holds the highest token, on each node. */
  readonly fenceKey: string
  /** The hashes to set, given those that the user has, oldest first. */
  readonly hashes: (known: readonly string[]) => readonly string[]
}

/** So many others may change the fence meanwhile, or connections break. */
const mostTries = 20

/**
 * Sets the hashes on one node unless a higher token was there. Saves them where the node has an ACL
 * file.
 */
export async function changePasswords(client: RedisClient, change: AclChange): Promise<void> {
  const isReplica = await onReplica(client)
  const key = await ownKey(client, change.fenceKey, isReplica)
  for (let tries = 1; !(await wasSet(client, { ...change, fenceKey: key }, isReplica, tries)); tries += 1);
  await client.sendCommand(['ACL', 'SAVE']).catch((error: unknown) => {
    if (!hasNoAclFile(error)) throw notSaved(error)
  })
}

/** Returns false if another connection changed the fence meanwhile. */
async function wasSet(client: RedisClient, change: AclChange, isReplica: boolean, tries: number): Promise<boolean> {
  const { user, token, fenceKey, hashes } = change
  await client.watch(fenceKey)
  if (tokenIn(await client.sendCommand(['GET', fenceKey]), fenceKey) > token) throw overtaken(fenceKey)
  const rules = hashes(await passwordHashes(client, user)).map((hash) => `#${hash}`)
  const transaction = client.multi()
  if (!isReplica) transaction.addCommand(['SET', fenceKey, String(token)]) // a replica gets it from its primary
  transaction.addCommand(['ACL', 'SETUSER', user, 'resetpass', ...rules])
  try {
    await transaction.exec()
    return true
  } catch (error) {
    if (replyCode(error) === undefined && tries < mostTries) return false
    throw error
  }
}

/** Another text would let every attempt pass. */
function tokenIn(reply: unknown, fenceKey: string): number {
  if (reply === null) return 0
  if (typeof reply === 'string' && /^\d{1,16}$/.test(reply)) return Number(reply)
  throw configurationError('the fence of the user is no number', `find out who writes the key; then DEL ${fenceKey}`)
}

function overtaken(fenceKey: string): SecretsError {
  const remedy = `for a secret that was created anew: DEL ${fenceKey}`
  return new SecretsError('VERSION_CONFLICT', 'a later attempt has set this user', { remedy })
}

/** ACLs are not replicated, so a replica is set too; it refuses writes. */
async function onReplica(client: RedisClient): Promise<boolean> {
  const role: unknown = await client.sendCommand(['ROLE'])
  return Array.isArray(role) && role[0] === 'slave'
}

/** So many keys have one in a slot of this node, even if it has only a thousandth of the slots. */
const mostKeys = 16_384

/** Returns the key, or in a cluster the first variant of it whose slot this node has. */
async function ownKey(client: RedisClient, key: string, isReplica: boolean): Promise<string> {
  if (isReplica) await client.sendCommand(['READONLY']).catch(() => {}) // refused where there is no cluster
  for (let variant = 0; variant < mostKeys; variant += 1) {
    const candidate = variant === 0 ? key : `${key}:${variant}`
    if (await isHere(client, candidate)) return candidate
  }
  throw configurationError('a node of the cluster has no slot for the fence', 'leave out nodes without slots')
}

async function isHere(client: RedisClient, key: string): Promise<boolean> {
  try {
    await client.sendCommand(['GET', key])
    return true
  } catch (error) {
    if (isMoved(error)) return false
    throw error
  }
}

/** Returns the user's hashes, oldest first. Without a check, `ACL SETUSER` would create the user. */
async function passwordHashes(client: RedisClient, user: string): Promise<readonly string[]> {
  const reply: unknown = await client.sendCommand(['ACL', 'GETUSER', user])
  if (reply === null) throw configurationError('there is no such ACL user', 'create it with ACL SETUSER')
  const passwords = memberOf(reply, 'passwords')
  if (Array.isArray(passwords)) return passwords.map(String)
  throw new SecretsError('INTERNAL', 'the server described the ACL user in an unknown form')
}

/** Version 2 of the protocol has a list of keys and values, version 3 an object or a `Map`. */
function memberOf(reply: unknown, name: string): unknown {
  if (Array.isArray(reply)) return reply[reply.indexOf(name) + 1]
  if (reply instanceof Map) return reply.get(name)
  return typeof reply === 'object' && reply !== null ? Reflect.get(reply, name) : undefined
}

/**
 * Does it for every node; rejects with a conflict of any, else with the first failure. `effect`: what
 * a failure of some means, if others did it.
 */
export async function onEvery<Node, T>(
  nodes: readonly Node[],
  work: (node: Node) => Promise<T>,
  effect?: SecretsError['effect'],
): Promise<readonly T[]> {
  const outcomes = await Promise.allSettled(nodes.map(work))
  const failures = outcomes.flatMap((outcome, index) =>
    outcome.status === 'rejected' ? [onNode(outcome.reason, index, nodes.length)] : [],
  )
  const worst = failures.find((error) => hasCode(error, 'VERSION_CONFLICT')) ?? failures[0]
  if (worst) throw failures.length === nodes.length ? worst : withDetails(worst, { effect: worst.effect ?? effect })
  return outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
}

function onNode(reason: unknown, index: number, count: number): SecretsError {
  const error = redisError(reason)
  return count === 1 ? error : new SecretsError(error.code, `node ${index + 1} of ${count}: ${error.problem}`, error)
}
