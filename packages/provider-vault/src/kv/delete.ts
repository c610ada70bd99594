import { SecretsError } from '@finchat/secrets-core'
import { undefinedOn, withDetails } from '@finchat/secrets-core/provider'
import { currentOf, type SecretRecord } from './answers.ts'
import type { KvMount, KvPart } from './mount.ts'
import { readRecord } from './read.ts'
import { missing } from './tags.ts'
import { stagedPath } from '../shared/paths.ts'

/** The deletion times of one call differ by no more. */
const sameCallMs = 1_000

/** Deletes every version; `restore` undoes it. The staged version goes first. */
export async function deleteVersions(mount: KvMount, path: string, signal: AbortSignal): Promise<void> {
  const before = await existing(mount, path, signal)
  const staged = await beside(() => readRecord(mount, stagedPath(path), signal))
  if (staged === undefined) return deleteLive(mount, path, before, signal)
  const isWithdrawn = await beside(async () => {
    await deleteLive(mount, stagedPath(path), staged, signal)
    return liveIn(staged).length > 0
  })
  // It may have been promoted before that.
  const run = async (): Promise<void> => deleteLive(mount, path, await existing(mount, path, signal), signal)
  await (isWithdrawn ? afterChange(run, 'delete it again: what was staged is deleted') : run())
}

async function deleteLive(mount: KvMount, path: string, record: SecretRecord, signal: AbortSignal): Promise<void> {
  await change(mount, path, 'delete', liveIn(record), signal)
}

function liveIn({ versions }: SecretRecord): SecretRecord['versions'] {
  return versions.filter(({ isDestroyed, isDeleted }) => !isDestroyed && !isDeleted)
}

/** A failure of what follows a change does not tell that nothing was changed. */
async function afterChange(run: () => Promise<void>, next: string): Promise<void> {
  try {
    await run()
  } catch (error) {
    if (!SecretsError.isInstance(error)) throw error
    const remedy = error.remedy === undefined ? next : `${error.remedy}; ${next}`
    throw withDetails(error, { effect: 'unknown', remedy })
  }
}

/** Undeletes the versions that were deleted with the current one, and the staged version. */
export async function restoreVersions(mount: KvMount, path: string, signal: AbortSignal): Promise<void> {
  const record = await existing(mount, path, signal)
  const current = currentOf(record)
  if (current?.isDestroyed)
    throw new SecretsError('DELETED', 'the current version was destroyed', { remedy: 'write a new one with `storeSecret`' })
  await undelete(mount, path, record, signal)
  const run = (): Promise<void> => beside(() => restoreStaged(mount, path, current, signal))
  await (current?.isDeleted ? afterChange(run, 'restore it again: only what was staged is left') : run())
}

async function restoreStaged(mount: KvMount, path: string, current: ReturnType<typeof currentOf>, signal: AbortSignal): Promise<void> {
  const staged = await readRecord(mount, stagedPath(path), signal)
  const withdrawnAt = staged && currentOf(staged)?.expiresAt
  // An earlier withdrawal belongs to an earlier deletion.
  const isTogether = withdrawnAt !== undefined && current !== undefined && withdrawnAt > current.currentSince
  if (staged !== undefined && isTogether) await undelete(mount, stagedPath(path), staged, signal)
}

async function undelete(mount: KvMount, path: string, record: SecretRecord, signal: AbortSignal): Promise<void> {
  const current = currentOf(record)
  if (current?.isDeleted !== true || current.isDestroyed) return
  const together = record.versions.filter(
    ({ isDestroyed, isDeleted, expiresAt }) =>
      isDeleted && !isDestroyed && Math.abs(Number(expiresAt) - Number(current.expiresAt)) < sameCallMs,
  )
  await change(mount, path, 'undelete', together, signal)
}

/** Runs a step on the staged path, which a policy may not allow. */
function beside<T>(run: () => Promise<T>): Promise<T | undefined> {
  return undefinedOn('PERMISSION_DENIED', run())
}

/**
 * Removes values, numbers and tags. The staged version goes first, so that it is not left behind.
 */
export async function purge(mount: KvMount, path: string, signal: AbortSignal): Promise<void> {
  const isForgotten = await beside(async () => {
    await forget(mount, stagedPath(path), signal)
    return true
  })
  const run = (): Promise<void> => forget(mount, path, signal)
  await (isForgotten ? afterChange(run, 'purge it again: what was staged is gone') : run())
}

async function forget(mount: KvMount, path: string, signal: AbortSignal): Promise<void> {
  await mount.ask(path, { method: 'DELETE', part: 'metadata', call: 'write', capability: 'delete' }, signal)
}

/** Destroys these versions of the path. */
export async function destroyVersions(mount: KvMount, path: string, versions: readonly number[], signal: AbortSignal): Promise<void> {
  const numbered = versions.map((version) => ({ version }))
  await change(mount, path, 'destroy', numbered, signal)
}

async function existing(mount: KvMount, path: string, signal: AbortSignal): Promise<SecretRecord> {
  const record = await readRecord(mount, path, signal)
  if (record === undefined || record.last === 0) throw missing(path)
  return record
}

async function change(
  mount: KvMount,
  path: string,
  part: KvPart,
  versions: readonly { version: number }[],
  signal: AbortSignal,
): Promise<void> {
  if (versions.length === 0) return
  const body = JSON.stringify({ versions: versions.map(({ version }) => version) })
  await mount.ask(path, { method: 'POST', part, body, call: 'write', capability: 'update' }, signal)
}
