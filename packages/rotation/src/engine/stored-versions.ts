import { isDeepStrictEqual } from 'node:util'
import { type SecretFields, SecretsError, type SecretValue, type WriteReceipt } from '@finchat/secrets-core'
import { configurationError, hasCode } from '@finchat/secrets-core/provider'
import { type PendingSecret, pendingSecret } from '@finchat/secrets-core/staging'
import type { RotationTarget } from '../targets/target.ts'
import { unlessInvalid } from '../targets/value.ts'
import type { Run } from './rotate-options.ts'

export type Asked = Pick<Run, 'secrets' | 'name' | 'call'>

/** Without a target, versions with another content have another credential. */
interface Compared extends Asked {
  readonly target?: RotationTarget | undefined
}

/** A staged version with the attempt that targets fence by. */
export interface Waiting extends PendingSecret {
  readonly attempt: number
}

/** The current version, as its own store answers now. */
export async function readCurrent({ secrets, name, call }: Asked): Promise<SecretValue> {
  const current = await secrets.getSecretValue(name, { ...call, fresh: true })
  if (!current.stale && !current.degraded) return current
  throw new SecretsError('UNAVAILABLE', 'the store of the secret cannot be asked, so it cannot be rotated', {
    secret: name,
    remedy: 'rotate again when the store answers',
  })
}

/** The staged version, or undefined. */
export async function readPending({ secrets, name, call }: Run): Promise<Waiting | undefined> {
  const pending = await pendingSecret(secrets, name, call)
  if (pending === undefined) return undefined
  return { ...pending, attempt: attemptOf(pending, name) }
}

export function attemptOf({ attempt, provider }: { attempt?: number | undefined; provider: string }, secret: string): number {
  if (attempt !== undefined) return attempt
  throw new SecretsError('UNSUPPORTED', 'the store does not number staged versions, so a target cannot refuse an old one', {
    secret,
    provider,
    remedy: 'place the secret in a store that does',
  })
}

/** A version that another provider holds would become current where it is not read. */
export function assertSameStore({ provider }: PendingSecret, current: SecretValue, secret: string): void {
  if (provider === current.provider) return
  throw new SecretsError('CONFIGURATION', `a version is staged at '${provider}', and the current one is at '${current.provider}'`, {
    secret,
    remedy: 'discard the staged one with discardSecret',
  })
}

/** Numbers that were staged and discarded lie between versions. */
const mostVersionsBack = 32

/**
 * Why the former version cannot be read, though there may be one. `deleted`: its number is deleted.
 * `notFound`: the store has that number no more, as far as it tells. `tooFarBack`: the versions that
 * are looked at have the current credential. `noVersions`: the store keeps none.
 */
export type UnreadableFormer = 'deleted' | 'notFound' | 'tooFarBack' | 'noVersions'

/**
 * The latest version at the same store with another credential than the current one: a write by hand
 * may have changed another field since. Undefined if there surely is none.
 */
export async function readFormer(asked: Compared, current: SecretValue): Promise<SecretValue | UnreadableFormer | undefined> {
  try {
    const previous = await readVersion(asked, current, 'previous')
    if (previous === 'notFound' && (current.version ?? 1) === 1) return undefined
    if (typeof previous === 'string' || !isSameCredential(asked, previous, current)) return previous
    return await readEarlier(asked, current, previous)
  } catch (error) {
    if (hasCode(error, 'UNSUPPORTED')) return 'noVersions'
    throw error
  }
}

/** As `readFormer`, of versions before one with the current credential. */
async function readEarlier(
  asked: Compared,
  current: SecretValue,
  { version: last }: SecretValue,
): Promise<SecretValue | UnreadableFormer | undefined> {
  if (last === undefined) return 'tooFarBack'
  const unread: Unread[] = []
  for (let version = last - 1; version >= 1; version -= 1) {
    if (version < last - mostVersionsBack) return (await whyUnread(asked, current, unread)) ?? 'tooFarBack'
    const earlier = await readVersion(asked, current, version)
    if (typeof earlier === 'string') unread.push({ version, why: earlier })
    else if (!isSameCredential(asked, earlier, current)) return earlier
  }
  return whyUnread(asked, current, unread)
}

interface Unread {
  readonly version: number
  readonly why: 'deleted' | 'notFound'
}

/** Undefined if none of them was ever current. */
async function whyUnread(asked: Asked, current: SecretValue, unread: readonly Unread[]): Promise<Unread['why'] | undefined> {
  if (unread.length === 0) return undefined
  const described = await describedNumbers(asked, current)
  // Stores drop the oldest first, so a number above one that is there was staged and discarded, or skipped.
  const wasCurrent = ({ version, why }: Unread): boolean =>
    why === 'deleted' || described.includes(version) || !described.some((other) => other < version)
  return unread.find(wasCurrent)?.why
}

/** None if the store does not tell, or another one answers. */
async function describedNumbers({ secrets, name, call }: Asked, { provider }: SecretValue): Promise<readonly number[]> {
  try {
    const described = await secrets.describeSecret(name, call)
    return described.provider === provider ? (described.versions ?? []).flatMap(({ version = [] }) => version) : []
  } catch (error) {
    if (hasCode(error, 'ABORTED')) throw error
    return []
  }
}

export function keepsNoVersions(): SecretsError {
  return configurationError(
    '`whenUnused` is set, and the store keeps no versions, so the former value is not known',
    'place the secret in a store that does, or leave `whenUnused` out',
  )
}

function isSameCredential({ target }: Compared, one: SecretValue, other: SecretValue): boolean {
  return hasSameContent(one, other) || target?.isSameCredential?.(one, other) === true
}

async function readVersion(
  { secrets, name, call }: Asked,
  { provider }: SecretValue,
  version: number | 'previous',
): Promise<SecretValue | 'deleted' | 'notFound'> {
  try {
    const found = await secrets.getSecretValue(name, { ...call, fresh: true, version })
    return found.provider === provider ? found : 'notFound'
  } catch (error) {
    if (hasCode(error, 'DELETED')) return 'deleted'
    if (hasCode(error, 'NOT_FOUND')) return 'notFound'
    throw error
  }
}

export function isSameVersion(one: WriteReceipt, other: WriteReceipt): boolean {
  return one.revision !== undefined && other.revision !== undefined ? one.revision === other.revision : one.version === other.version
}

/** Stores write the fields of a map in any order. */
export function hasSameContent(one: SecretValue, other: SecretValue): boolean {
  return isDeepStrictEqual(contentOf(one), contentOf(other))
}

export function holdsValue(current: SecretValue, value: string | SecretFields): boolean {
  return typeof value === 'string' ? contentOf(current) === value : isDeepStrictEqual(fieldsIn(current), value)
}

/** The value as it is written: a text, fields, or bytes. */
export function contentOf(value: SecretValue): string | SecretFields | Uint8Array {
  return textOf(value) ?? fieldsIn(value) ?? value.bytes()
}

function textOf(value: SecretValue): string | undefined {
  return unlessInvalid(() => value.reveal())
}

/** The value as an object, also if it is written as JSON text. */
function fieldsIn(value: SecretValue): SecretFields | undefined {
  const fields = unlessInvalid(() => value.json())
  return typeof fields === 'object' && fields !== null ? (fields as SecretFields) : undefined // texts by name, as a store keeps them
}
