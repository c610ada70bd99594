import type { CallContext } from '@finchat/secrets-core'
import { throwIfAborted } from './busy.ts'
import { assertPath } from './new-secret.ts'
import { assertKeepVersions } from './options.ts'
import { pruned, type SecretRecord } from './secret-record.ts'
import type { Store } from './store.ts'
import type { StoreEdit } from './store-edit.ts'

/** Which old versions to remove for good. */
export interface PrunePolicy {
  /** How many versions of each secret stay, the current one included. */
  readonly keepVersions: number
  /** Only this secret. Default: all of them. */
  readonly path?: string | undefined
}

/** Secrets that are changed in one transaction: readers and the event loop get their turn in between. */
const batchSize = 16

/** Removes old versions; returns how many. Withdrawn secrets are pruned too; pending versions are not. */
export async function prune(store: Store, { keepVersions, path }: PrunePolicy, context: CallContext): Promise<{ pruned: number }> {
  assertKeepVersions(keepVersions)
  if (path !== undefined) assertPath(path)
  const removed = await forEachSecret(store, path === undefined ? undefined : [path], context, (record, edit) => {
    const next = pruned(record, keepVersions)
    if (next !== record) edit.save(next)
    return record.versions.length - next.versions.length
  })
  await store.forget(context)
  return { pruned: removed }
}

/**
 * Seals again with the first key whatever another key sealed, then gives the index a new key that the first alone opens.
 * Returns how many versions were sealed again. What was done before an abort stays done; a second call does the rest.
 */
export async function reencrypt(store: Store, context: CallContext): Promise<{ reencrypted: number }> {
  let reencrypted = 0
  for (;;) {
    reencrypted += await forEachSecret(store, undefined, context, resealed)
    const retired = await store.write(context, (edit) => {
      // Another process may have sealed with an old key in the meantime.
      if (edit.paths().some((path) => edit.find(path)?.versions.some((version) => version.keyId !== edit.firstKeyId))) return false
      edit.retireOtherKeys()
      return true
    })
    if (retired) break
  }
  await store.forget(context)
  return { reencrypted }
}

function resealed(record: SecretRecord, edit: StoreEdit): number {
  const values = record.versions.flatMap((version) => edit.reseal(record.path, version) ?? [])
  if (values.length === 0) return 0
  const versions = record.versions.map((version) => values.find((value) => value.version.version === version.version)?.version ?? version)
  edit.save({ ...record, versions }, ...values)
  return values.length
}

/** The sum of what `step` returns for every secret, a batch to a transaction. */
async function forEachSecret(
  store: Store,
  only: readonly string[] | undefined,
  context: CallContext,
  step: (record: SecretRecord, edit: StoreEdit) => number,
): Promise<number> {
  const paths = only ?? (await store.read(context, (view) => view.paths()))
  let sum = 0
  for (let start = 0; start < paths.length; start += batchSize) {
    throwIfAborted(context.signal)
    const batch = paths.slice(start, start + batchSize)
    sum += await store.write(context, (edit) => batch.reduce((total, path) => total + stepOn(edit.find(path), edit, step), 0))
    await nextTurn()
  }
  return sum
}

function stepOn(record: SecretRecord | undefined, edit: StoreEdit, step: (record: SecretRecord, edit: StoreEdit) => number): number {
  return record ? step(record, edit) : 0
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
