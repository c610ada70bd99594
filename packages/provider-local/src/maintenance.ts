import { knownOptions, type CallContext, type MembersOf } from '@finchat/secrets-core'
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

const policyMembers: MembersOf<PrunePolicy> = { keepVersions: 'any', path: 'any' }

/** Secrets that are changed in one transaction: readers and the event loop get their turn in between. */
const batchSize = 16

/** Removes old versions; returns how many. Withdrawn secrets are pruned too; pending versions are not. */
export async function prune(store: Store, policy: PrunePolicy, context: CallContext): Promise<{ pruned: number }> {
  const { keepVersions, path } = knownOptions(policy, policyMembers)
  assertKeepVersions(keepVersions)
  if (path !== undefined) assertPath(path)
  const removed = await forEachSecret(store, path === undefined ? undefined : [path], context, (record, edit) => {
    const next = pruned(record, keepVersions)
    if (next !== record) edit.save(next)
    return record.versions.length - next.versions.length
  })
  await store.forget('file', context)
  return { pruned: removed }
}

/**
 * Seals again with the first key whatever another key sealed, then gives the index a new key that the first alone opens.
 * Returns how many versions were sealed again. What was done before an abort stays done; a second call does the rest.
 */
export async function reencrypt(store: Store, context: CallContext): Promise<{ reencrypted: number }> {
  const most = await forEachSecret(store, undefined, context, resealed)
  const rest = await store.write(context, (edit) => {
    // In one transaction with the end of the old keys, what others have sealed with one in the meantime.
    const late = edit.paths().reduce((sum, path) => sum + stepOn(edit.find(path), edit, resealed), 0)
    edit.retireOtherKeys()
    return late
  })
  await store.forget('file', context)
  return { reencrypted: most + rest }
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
