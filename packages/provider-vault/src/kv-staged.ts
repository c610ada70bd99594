import { jsonTextAt, SecretsError, type StoredSecret } from '@finchat/secrets-core'
import { isObject, member } from './answer.ts'
import type { VersionFacts } from './kv-answers.ts'
import { destroyVersion } from './kv-delete.ts'
import type { KvMount } from './kv-mount.ts'
import { type LastVersion, readLast, readVersion } from './kv-reads.ts'
import { setTags } from './kv-tags.ts'
import { assertTags } from './new-secret.ts'
import { stagedPath } from './paths.ts'

/**
 * A version that waits, beside its secret: `{ base, tags, fields }`. `base` is the number that was
 * the last when it was staged, over which alone it may be promoted. It has no number of its own,
 * for KV gives them out as it writes. The version after it there, `{ promotes }` or `{ discards }`
 * with its number, is written under check-and-set: so one of a promotion and a discard wins, and
 * before anything else is done.
 */
export interface Pending {
  readonly value: string
  readonly base: number
  readonly tags: Readonly<Record<string, string>>
  readonly revision: string
  /** Of the version at the path beside. */
  readonly place: number
  /** Of the version there that says that its promotion has begun. */
  readonly claim?: number | undefined
}

/** What lies beside a secret: the number of the last version there, 0 if there never was one, and what waits. */
export interface Staged {
  readonly last: number
  readonly pending: Pending | undefined
  /** The number of what was discarded last, whose value may not be destroyed yet. */
  readonly discarded?: number | undefined
}

/** A promotion ends with the removal of what waited. One that did not come to its end is ended here, and nothing waits. */
export async function stagedAt(mount: KvMount, path: string, signal: AbortSignal): Promise<Staged> {
  const staged = await readStaged(mount, path, signal)
  if (staged.pending === undefined || !(await isPromoted(mount, path, staged.pending, signal))) return staged
  await endPromotion(mount, path, staged.pending, signal)
  return { ...staged, pending: undefined }
}

/** As it lies there, promoted or not. */
export async function readStaged(mount: KvMount, path: string, signal: AbortSignal): Promise<Staged> {
  const last = await readLast(mount, stagedPath(path), signal)
  if (last?.secret === undefined) return { last: last?.version ?? 0, pending: undefined }
  const { version } = last
  const parsed: unknown = JSON.parse(String(last.secret.value)) // cut out of an answer that was JSON
  const discarded = member(parsed, 'discards')
  if (typeof discarded === 'number') return { last: version, pending: undefined, discarded }
  const claimed = member(parsed, 'promotes')
  const waiting = typeof claimed === 'number' ? await readClaimed(mount, path, claimed, signal) : last
  if (waiting?.secret === undefined || (await isDeletedSince(mount, path, waiting.currentSince, signal))) {
    return { last: version, pending: undefined }
  }
  const pending = pendingOf(waiting.secret, waiting)
  return { last: version, pending: waiting === last ? pending : { ...pending, claim: version } }
}

/** What is promoted; `undefined` if it was destroyed, as it is in the end. */
async function readClaimed(mount: KvMount, path: string, place: number, signal: AbortSignal): Promise<LastVersion | undefined> {
  try {
    const secret = await readVersion(mount, stagedPath(path), signal, place)
    if (secret?.revision === undefined || secret.currentSince === undefined) return undefined
    return { version: place, revision: secret.revision, currentSince: secret.currentSince, secret }
  } catch (error) {
    if (SecretsError.isInstance(error) && error.code === 'DELETED') return undefined
    throw error
  }
}

/** Whether the secret was deleted after this moment, which withdrew its staged version too. */
async function isDeletedSince(mount: KvMount, path: string, moment: number, signal: AbortSignal): Promise<boolean> {
  const last = await readLast(mount, path, signal)
  return last !== undefined && last.secret === undefined && (last.expiresAt ?? 0) >= moment
}

function pendingOf({ value: envelope }: StoredSecret, { version, revision }: VersionFacts): Pending {
  const text = String(envelope)
  const parsed: unknown = JSON.parse(text) // cut out of an answer that was JSON
  const [base, tags, value] = [member(parsed, 'base'), member(parsed, 'tags'), jsonTextAt(text, ['fields'])]
  if (typeof base !== 'number' || !isObject(tags) || value === undefined) {
    throw new SecretsError('INTEGRITY', 'what waits to be promoted was not staged by this provider', {
      remedy: 'look at it, then delete it',
    })
  }
  return { value, revision, place: version, base, tags: tags as Pending['tags'] } // as staged, and checked again before they are written
}

/**
 * Whether the version over its base has its value: a promotion writes there under check-and-set, or nowhere. One that was deleted meanwhile
 * tells nothing.
 */
export async function isPromoted(mount: KvMount, path: string, { base, value }: Pending, signal: AbortSignal): Promise<boolean> {
  try {
    const written = await readVersion(mount, path, signal, base + 1)
    return written !== undefined && isSameText(String(written.value), value)
  } catch (error) {
    if (SecretsError.isInstance(error) && error.code === 'DELETED') return false
    throw error
  }
}

/** In a time that tells nothing of either. */
function isSameText(one: string, other: string): boolean {
  const { createHmac, randomBytes, timingSafeEqual } = process.getBuiltinModule('node:crypto')
  const key = randomBytes(32)
  const digestOf = (text: string): Uint8Array => createHmac('sha256', key).update(text).digest()
  return timingSafeEqual(digestOf(one), digestOf(other))
}

/** The tags, which the value may have been ahead of, unless there is a newer version; then the removal. */
export async function endPromotion(mount: KvMount, path: string, pending: Pending, signal: AbortSignal): Promise<void> {
  const { base, tags } = pending
  await ifPossible(async () => {
    assertTags(tags)
    const isNewest = (await readLast(mount, path, signal))?.version === base + 1
    if (isNewest) await setTags(mount, path, tags, signal)
    await unstage(mount, path, pending, signal)
  })
}

/** This one alone: another may be staged meanwhile. */
export async function unstage(mount: KvMount, path: string, { place }: Pending, signal: AbortSignal): Promise<void> {
  await destroyVersion(mount, stagedPath(path), place, signal)
}

/** What was promoted stands in nobody's way: what cannot be done now is done when somebody looks for it again. */
export async function ifPossible(run: () => Promise<void>): Promise<void> {
  try {
    await run()
  } catch (error) {
    if (!SecretsError.isInstance(error)) throw error
  }
}
