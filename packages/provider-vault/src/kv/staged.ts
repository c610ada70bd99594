import { SecretsError } from '@finchat/secrets-core'
import { hasCode, isJsonObject, jsonTextAt, loadCrypto } from '@finchat/secrets-core/provider'
import { member } from '../http/answer.ts'
import type { VersionMetadata } from './answers.ts'
import { destroyVersions } from './delete.ts'
import type { KvMount } from './mount.ts'
import { readLast, readVersion } from './read.ts'
import { setTags } from './tags.ts'
import { assertTags } from './input.ts'
import { stagedPath } from '../shared/paths.ts'

/**
 * A staged version, beside its secret: `{ base, tags, fields }`. It may be promoted only over
 * version `base`. KV assigns its number on writing. A following version there is `{ discards }`, or
 * `{ promotes, revision }` with a copy, since a mount may keep only one version. It is written first
 * and under check-and-set, so that only one of a promotion and a discard succeeds.
 */
export interface Pending {
  readonly value: string
  readonly base: number
  readonly tags: Readonly<Record<string, string>>
  readonly revision: string
  /** Its version at the staged path. */
  readonly place: number
  /** The version there that records the start of its promotion. */
  readonly claim?: number | undefined
  /** The secret exists and is not deleted. */
  readonly isOverLive: boolean
}

/** What lies at the staged path: the last number, 0 if there is none, and the staged version. */
export interface Staged {
  readonly last: number
  readonly pending: Pending | undefined
  /** The number that was discarded last. Its value and its copy may not be destroyed yet. */
  readonly discarded?: number | undefined
}

/** What is staged. First completes a promotion that stopped after its write. */
export async function stagedAt(mount: KvMount, path: string, signal: AbortSignal): Promise<Staged> {
  const staged = await readStaged(mount, path, signal)
  if (staged.pending === undefined || !(await isPromoted(mount, path, staged.pending, signal))) return staged
  await endPromotion(mount, path, staged.pending, signal)
  return { ...staged, pending: undefined }
}

/** What is staged, promoted or not. */
export async function readStaged(mount: KvMount, path: string, signal: AbortSignal): Promise<Staged> {
  const last = await readLast(mount, stagedPath(path), signal)
  if (last?.secret === undefined) return { last: last?.version ?? 0, pending: undefined }
  const { version } = last
  const text = String(last.secret.value)
  const discarded = member(JSON.parse(text), 'discards') // part of a JSON answer
  if (typeof discarded === 'number') return { last: version, pending: undefined, discarded }
  const pending = pendingOf(text, last)
  const now = await readLast(mount, path, signal)
  const isOverLive = now?.secret !== undefined
  // A deletion of the secret also withdraws what was staged before.
  const isWithdrawn = now !== undefined && !isOverLive && (now.expiresAt ?? 0) >= Date.parse(pending.revision)
  return { last: version, pending: isWithdrawn ? undefined : { ...pending, isOverLive } }
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
  return { value, revision: staged, place, claim, base, tags: tags as Pending['tags'] } // written by stage(), and checked before use
}

/**
 * Whether version `base + 1` has its value: a promotion writes nowhere else. A deleted version
 * proves nothing.
 */
export async function isPromoted(mount: KvMount, path: string, { base, value }: Pending, signal: AbortSignal): Promise<boolean> {
  try {
    const written = await readVersion(mount, path, signal, base + 1)
    return written !== undefined && isSameText(plain(String(written.value)), plain(value))
  } catch (error) {
    if (hasCode(error, 'DELETED')) return false
    throw error
  }
}

/** Normalises escapes, which reads and writes use differently, as for <, > and &. */
function plain(json: string): string {
  return JSON.stringify(JSON.parse(json))
}

/** In constant time. */
function isSameText(one: string, other: string): boolean {
  const { createHmac, randomBytes, timingSafeEqual } = loadCrypto()
  const key = randomBytes(32)
  const digestOf = (text: string): Uint8Array => createHmac('sha256', key).update(text).digest()
  return timingSafeEqual(digestOf(one), digestOf(other))
}

/**
 * Sets the tags unless there is a newer version. Then removes what was staged.
 */
export async function endPromotion(mount: KvMount, path: string, pending: Pending, signal: AbortSignal): Promise<void> {
  const { base, tags } = pending
  await ifPossible(async () => {
    assertTags(tags)
    const isNewest = (await readLast(mount, path, signal))?.version === base + 1
    if (isNewest) await setTags(mount, path, tags, signal)
    await unstage(mount, path, pending, signal)
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
