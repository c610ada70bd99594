import { member } from '@finchat/secrets-core/http'
import { SecretsError, type StagedSecret, type WriteReceipt } from '@finchat/secrets-core'
import { hasCode, isJsonObject, jsonTextAt, loadCrypto, undefinedOn } from '@finchat/secrets-core/provider'
import type { VersionMetadata } from './answers.ts'
import { destroyVersions } from './delete.ts'
import type { KvMount } from './mount.ts'
import { putVersion } from './put.ts'
import { readLast, readVersion } from './read.ts'
import { setTags } from './tags.ts'
import { assertTags } from './input.ts'
import { stagedPath } from '../shared/paths.ts'

/**
 * A staged version, beside its secret: `{ base, tags, note, fields }`. It may be promoted only over
 * version `base`. KV assigns its number on writing. A following version there is `{ discards }`, or
 * `{ promotes, revision }` with a copy, since a mount may keep only one version. It is written first
 * and under check-and-set, so that only one of a promotion and a discard succeeds. `{ promoted }`
 * follows a promotion. Each version there carries `ended`, so that a repeated call is known.
 */
export interface Pending {
  readonly value: string
  readonly base: number
  readonly tags: Readonly<Record<string, string>>
  readonly note: StagedSecret['note']
  readonly revision: string
  /** Its version at the staged path, which grows: the attempt. */
  readonly place: number
  /** The version there that records the start of its promotion. */
  readonly claim?: number | undefined
  /** The secret exists and is not deleted. */
  readonly isOverLive: boolean
}

/** The last promotion and the last discard at a staged path. */
export interface Ended {
  /** The revision that was staged, and the number that it got. */
  readonly promoted?: { readonly revision: string; readonly version: number } | undefined
  /** The revision that was staged. */
  readonly discarded?: string | undefined
}

/** What lies at the staged path: the last number, 0 if there is none, and the staged version. */
export interface Staged {
  readonly last: number
  readonly pending: Pending | undefined
  readonly ended: Ended
  /** The number that was discarded last. Its value and its copy may not be destroyed yet. */
  readonly discarded?: number | undefined
  /** The same of the number that was promoted last. */
  readonly promoted?: number | undefined
}

/** What is staged. First completes a promotion that stopped after its write. */
export async function stagedAt(mount: KvMount, path: string, signal: AbortSignal): Promise<Staged> {
  const staged = await readStaged(mount, path, signal)
  const { pending, ended } = staged
  if (pending === undefined) await removeLeft(mount, path, staged, signal)
  if (pending === undefined || !(await isPromoted(mount, path, pending, signal))) return staged
  await endPromotion(mount, path, pending, ended, signal)
  const after = await readStaged(mount, path, signal)
  if (after.pending?.revision !== pending.revision) return after
  const promoted = { revision: pending.revision, version: pending.base + 1 } // its record was not written
  return { ...after, pending: undefined, ended: { ...after.ended, promoted } }
}

/** What is staged, promoted or not. */
export async function readStaged(mount: KvMount, path: string, signal: AbortSignal): Promise<Staged> {
  const last = await readLast(mount, stagedPath(path), signal)
  if (last?.secret === undefined) return { last: last?.version ?? 0, pending: undefined, ended: {} }
  const { version } = last
  const text = String(last.secret.value)
  const envelope: unknown = JSON.parse(text) // part of a JSON answer
  const [discarded, ended] = [member(envelope, 'discards'), endedOf(member(envelope, 'ended'))]
  if (typeof discarded === 'number') return { last: version, pending: undefined, ended, discarded }
  const promoted = member(envelope, 'promoted')
  if (typeof promoted === 'number') return { last: version, pending: undefined, ended, promoted }
  const pending = pendingOf(text, last)
  const now = await readLast(mount, path, signal)
  const isOverLive = now?.secret !== undefined
  // A deletion of the secret also withdraws what was staged before.
  const isWithdrawn = now !== undefined && !isOverLive && (now.expiresAt ?? 0) >= Date.parse(pending.revision)
  return { last: version, ended, pending: isWithdrawn ? undefined : { ...pending, isOverLive } }
}

function pendingOf(text: string, { version, revision }: VersionMetadata): Omit<Pending, 'isOverLive'> {
  const parsed: unknown = JSON.parse(text)
  const [base, tags, value] = [member(parsed, 'base'), member(parsed, 'tags'), jsonTextAt(text, ['fields'])]
  const [place, staged] = [member(parsed, 'promotes') ?? version, member(parsed, 'revision') ?? revision]
  if (typeof base !== 'number' || !isJsonObject(tags) || value === undefined || typeof place !== 'number' || typeof staged !== 'string') {
    throw new SecretsError('INTEGRITY', 'what waits to be promoted was not staged by this provider', {
      remedy: 'look at it, then delete it',
    })
  }
  const claim = place === version ? undefined : version
  const note = member(parsed, 'note')
  // Written by stage(), and checked before use.
  const written = { tags: tags as Pending['tags'], note: isJsonObject(note) ? (note as Pending['note']) : undefined }
  return { value, revision: staged, place, claim, base, ...written }
}

function endedOf(ended: unknown): Ended {
  const [revision, version, discarded] = [
    member(ended, 'promoted', 'revision'),
    member(ended, 'promoted', 'version'),
    member(ended, 'discarded'),
  ]
  return {
    ...(typeof revision === 'string' && typeof version === 'number' && { promoted: { revision, version } }),
    ...(typeof discarded === 'string' && { discarded }),
  }
}

/** Writes an envelope over exactly this last version. `fields` is JSON text, which stays as it is. */
export function putBeside(
  mount: KvMount,
  path: string,
  last: number,
  envelope: object,
  fields: string | undefined,
  signal: AbortSignal,
): Promise<WriteReceipt> {
  const head = JSON.stringify(envelope)
  const text = fields === undefined ? head : `${head.slice(0, -1)},"fields":${fields}}`
  return putVersion(mount, stagedPath(path), { value: '', version: last + 1, fields: text }, signal)
}

/**
 * Whether version `base + 1` has its value: a promotion writes nowhere else. A deleted version
 * proves nothing.
 */
export async function isPromoted(
  mount: KvMount,
  path: string,
  { base, value }: Pick<Pending, 'base' | 'value'>,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const written = await readVersion(mount, path, signal, base + 1)
    return written !== undefined && isSameFields(String(written.value), value)
  } catch (error) {
    if (hasCode(error, 'DELETED')) return false
    throw error
  }
}

/** In constant time. Normalises escapes, which reads and writes use differently, as for <, > and &. */
export function isSameFields(one: string, other: string): boolean {
  const { createHmac, randomBytes, timingSafeEqual } = loadCrypto()
  const key = randomBytes(32)
  const digestOf = (json: string): Uint8Array =>
    createHmac('sha256', key)
      .update(JSON.stringify(JSON.parse(json)))
      .digest()
  return timingSafeEqual(digestOf(one), digestOf(other))
}

/**
 * Sets the tags unless there is a newer version. Then removes what was staged.
 */
export async function endPromotion(mount: KvMount, path: string, pending: Pending, ended: Ended, signal: AbortSignal): Promise<void> {
  const { base, tags } = pending
  await ifPossible(async () => {
    assertTags(tags)
    const isNewest = (await readLast(mount, path, signal))?.version === base + 1
    if (isNewest) await setTags(mount, path, tags, signal)
    await recordPromotion(mount, path, pending, ended, signal)
  })
}

/** Replaces what was staged by the record of its promotion, which answers a repeated call. */
export async function recordPromotion(mount: KvMount, path: string, pending: Pending, ended: Ended, signal: AbortSignal): Promise<void> {
  const { base, revision, place, claim = place } = pending
  await ifPossible(async () => {
    const promoted = { revision, version: base + 1 }
    await putBeside(mount, path, claim, { promoted: place, ended: { ...ended, promoted } }, undefined, signal)
  })
  await unstage(mount, path, pending, signal)
}

/** Destroys the value of a promotion whose process stopped before that. */
export async function removeLeft(mount: KvMount, path: string, { promoted, last }: Staged, signal: AbortSignal): Promise<void> {
  if (promoted === undefined) return
  await ifPossible(async () => {
    const beside = stagedPath(path)
    const left = await undefinedOn('DELETED', readVersion(mount, beside, signal, promoted))
    const numbers = Array.from({ length: last - promoted }, (_each, index) => promoted + index)
    if (left !== undefined) await destroyVersions(mount, beside, numbers, signal)
  })
}

/** Only this version: another may be staged meanwhile. */
export async function unstage(mount: KvMount, path: string, { place, claim }: Pending, signal: AbortSignal): Promise<void> {
  await destroyVersions(mount, stagedPath(path), claim === undefined ? [place] : [place, claim], signal)
}

/** The next process that reads what is staged repeats a failed step. */
export async function ifPossible(run: () => Promise<void>): Promise<void> {
  try {
    await run()
  } catch (error) {
    if (!SecretsError.isInstance(error)) throw error
  }
}
