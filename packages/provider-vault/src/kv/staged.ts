import { SecretsError } from '@finchat/secrets-core'
import { jsonTextAt } from '@finchat/secrets-core/provider'
import { isObject, member } from '../http/answer.ts'
import type { VersionMetadata } from './answers.ts'
import { destroyVersions } from './delete.ts'
import type { KvMount } from './mount.ts'
import { readLast, readVersion } from './read.ts'
import { setTags } from './tags.ts'
import { assertTags } from './input.ts'
import { stagedPath } from '../shared/paths.ts'

/**
 * A version that waits, beside its secret: `{ base, tags, fields }`. `base` is the number that was
 * the last when it was staged, over which alone it may be promoted. It has no number of its own,
 * for KV gives them out as it writes. The version after it there, `{ discards }` with its number, or
 * `{ promotes, revision }` and all that it holds, is written under check-and-set: so one of a
 * promotion and a discard wins, and before anything else is done. A copy, because a mount may keep
 * one version alone.
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
  /** The secret is there, and not deleted. */
  readonly isOverLive: boolean
}

/** What lies beside a secret: the number of the last version there, 0 if there never was one, and what waits. */
export interface Staged {
  readonly last: number
  readonly pending: Pending | undefined
  /** The number of what was discarded last, whose value may not be destroyed yet, nor its copy after it. */
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
  const text = String(last.secret.value)
  const discarded = member(JSON.parse(text), 'discards') // cut out of an answer that was JSON
  if (typeof discarded === 'number') return { last: version, pending: undefined, discarded }
  const pending = pendingOf(text, last)
  const now = await readLast(mount, path, signal)
  const isOverLive = now?.secret !== undefined
  // A deletion of the secret withdrew what waited then, too.
  const isWithdrawn = now !== undefined && !isOverLive && (now.expiresAt ?? 0) >= Date.parse(pending.revision)
  return { last: version, pending: isWithdrawn ? undefined : { ...pending, isOverLive } }
}

function pendingOf(text: string, { version, revision }: VersionMetadata): Omit<Pending, 'isOverLive'> {
  const parsed: unknown = JSON.parse(text) // as above
  const [base, tags, value] = [member(parsed, 'base'), member(parsed, 'tags'), jsonTextAt(text, ['fields'])]
  const [place, staged] = [member(parsed, 'promotes') ?? version, member(parsed, 'revision') ?? revision]
  if (typeof base !== 'number' || !isObject(tags) || value === undefined || typeof place !== 'number' || typeof staged !== 'string') {
    throw new SecretsError('INTEGRITY', 'what waits to be promoted was not staged by this provider', {
      remedy: 'look at it, then delete it',
    })
  }
  const claim = place === version ? undefined : version
  return { value, revision: staged, place, claim, base, tags: tags as Pending['tags'] } // as staged, and checked again before they are written
}

/**
 * Whether the version over its base has its value: a promotion writes there under check-and-set, or nowhere. One that was deleted meanwhile
 * tells nothing.
 */
export async function isPromoted(mount: KvMount, path: string, { base, value }: Pending, signal: AbortSignal): Promise<boolean> {
  try {
    const written = await readVersion(mount, path, signal, base + 1)
    return written !== undefined && isSameText(plain(String(written.value)), plain(value))
  } catch (error) {
    if (SecretsError.isInstance(error) && error.code === 'DELETED') return false
    throw error
  }
}

/** JSON without the escapes that the server writes in one place and a read does not: those of <, > and & among them. */
function plain(json: string): string {
  return JSON.stringify(JSON.parse(json))
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
export async function unstage(mount: KvMount, path: string, { place, claim }: Pending, signal: AbortSignal): Promise<void> {
  await destroyVersions(mount, stagedPath(path), claim === undefined ? [place] : [place, claim], signal)
}

/** What was promoted stands in nobody's way: what cannot be done now is done when somebody looks for it again. */
export async function ifPossible(run: () => Promise<void>): Promise<void> {
  try {
    await run()
  } catch (error) {
    if (!SecretsError.isInstance(error)) throw error
  }
}
