import { type CallContext, SecretsError } from '@finchat/secrets-core'
import { knownOptions, type MembersOf } from '@finchat/secrets-core/provider'
import { firstOf } from '../merkle/version-index.ts'
import { assertPath } from '../record/input.ts'
import { assertKeepVersions } from '../store/options.ts'
import { releasedCount, type SecretRecord } from '../record/secret-record.ts'
import type { Store } from '../store/store.ts'
import type { StoreEdit } from '../store/write-batch.ts'

/** Which old versions to remove for good. */
export interface PrunePolicy {
  /** How many versions of each secret stay, the current one included. */
  readonly keepVersions: number
  /** Only this secret. Default: all of them. */
  readonly path?: string | undefined
}

/** What `prune` has removed. */
export interface PruneReport {
  /** How many versions, of all secrets. */
  readonly pruned: number
  /** Each secret of which something was removed, with the numbers of the versions, ascending. */
  readonly removed: readonly { readonly path: string; readonly versions: readonly number[] }[]
}

const policyMembers: MembersOf<PrunePolicy> = { keepVersions: 'any', path: 'any' }

/** The most that one transaction looks at: readers and the event loop run in between. */
const [mostSecrets, mostVersions] = [16, 128]

/** Removes old versions, of withdrawn secrets too, but no pending one. */
export async function prune(store: Store, policy: PrunePolicy, context: CallContext): Promise<PruneReport> {
  const { keepVersions, path } = knownOptions(policy, policyMembers)
  assertKeepVersions(keepVersions)
  if (path !== undefined) assertPath(path)
  const removed = await forEachSecret(store, path === undefined ? undefined : [path], context, (record, edit, { most }) =>
    pruned(record, edit, releasedCount(record) - keepVersions, most),
  )
  await store.forget('file', context)
  return { pruned: sum(removed), removed: [...removed].map(([each, versions]) => ({ path: each, versions })) }
}

function pruned(record: SecretRecord, edit: StoreEdit, tooMany: number, most: number): Stepped {
  const dropped = firstOf(edit.versions.ascending(record), Math.min(tooMany, most), [record.current, record.pending])
  const previous = dropped.includes(record.previous ?? 0) ? undefined : record.previous
  if (dropped.length > 0) {
    edit.save({ ...record, previous }, { dropped })
    edit.leavesResidue()
  }
  return { changed: dropped, seen: dropped.length, goOnAbove: tooMany > most ? 0 : undefined }
}

/**
 * Seals again with the first key whatever another key sealed, then gives the index a new key that the first alone opens.
 * Returns how many versions were sealed again. What was done before an abort stays done; a second call does the rest.
 */
export async function reencrypt(store: Store, context: CallContext): Promise<{ reencrypted: number }> {
  const roots = new Map<string, Buffer | undefined>()
  const most = await forEachSecret(store, undefined, context, (record, edit, part) => {
    const stepped = resealed(record, edit, part)
    if (stepped.goOnAbove === undefined) roots.set(record.path, edit.find(record.path)?.root)
    return stepped
  })
  const rest = await store.write(context, (edit) => {
    // In one transaction with the end of the old keys, what others have sealed with one in the meantime.
    const late = edit.paths().reduce((total, path) => total + resealedSince(edit.find(path), edit, roots.get(path)), 0)
    edit.retireOtherKeys()
    edit.leavesResidue()
    return late
  })
  await store.forget('file', context)
  return { reencrypted: sum(most) + rest }
}

/** The same of all versions, unless none has changed since their root was this one. */
function resealedSince(record: SecretRecord | undefined, edit: StoreEdit, root: Buffer | undefined): number {
  if (!record || root?.equals(record.root)) return 0
  return resealed(record, edit, { above: 0, most: Number.POSITIVE_INFINITY }).changed.length
}

function resealed(record: SecretRecord, edit: StoreEdit, { above, most }: Part): Stepped {
  const numbers = firstOf(edit.versions.ascending(record, above), most, [])
  const versions = numbers.flatMap((number) => edit.versions.version(record, number) ?? [])
  const sealed = versions.flatMap((version) => edit.reseal(record.path, version) ?? [])
  if (sealed.length > 0) {
    edit.save(record, { sealed })
    edit.leavesResidue()
  }
  return {
    changed: sealed.map(({ version }) => version.version),
    seen: numbers.length,
    goOnAbove: numbers.length < most ? undefined : numbers.at(-1),
  }
}

function sum(changed: ReadonlyMap<string, readonly number[]>): number {
  return [...changed.values()].reduce((total, { length }) => total + length, 0)
}

/** What one step of a secret may look at. */
interface Part {
  readonly above: number
  readonly most: number
}

interface Stepped {
  readonly changed: readonly number[]
  /** How many versions it looked at. */
  readonly seen: number
  /** Where the next step goes on; absent once the secret is done. */
  readonly goOnAbove: number | undefined
}

type Step = (record: SecretRecord, edit: StoreEdit, part: Part) => Stepped

/** The versions that `step` changed of each secret, a batch to a transaction. */
async function forEachSecret(
  store: Store,
  only: readonly string[] | undefined,
  context: CallContext,
  step: Step,
): Promise<Map<string, number[]>> {
  const paths = only ?? (await store.read(context, (view) => view.paths()))
  const all = new Map<string, number[]>()
  for (let [start, above] = [0, 0]; start < paths.length;) {
    const writing = store.write(context, (edit) => stepThrough(paths.slice(start, start + mostSecrets), above, edit, step))
    const batch = await (all.size > 0 ? writing.catch(halfDone) : writing)
    for (const [path, numbers] of batch.changed) all.set(path, [...(all.get(path) ?? []), ...numbers])
    start += batch.done
    above = batch.above
    await nextTurn()
  }
  return all
}

/** What earlier batches did stays done. */
function halfDone(error: unknown): never {
  if (!SecretsError.isInstance(error) || error.effect !== undefined) throw error
  const { code, problem, remedy } = error
  const next = 'call it again, for some of it is done'
  throw new SecretsError(code, problem, { effect: 'unknown', remedy: remedy === undefined ? next : `${remedy}; then ${next}` })
}

interface Batch {
  readonly changed: readonly (readonly [path: string, numbers: readonly number[]])[]
  /** How many secrets are done, and where in the next one to go on. */
  readonly done: number
  readonly above: number
}

function stepThrough(paths: readonly string[], start: number, edit: StoreEdit, step: Step): Batch {
  const changed: [string, readonly number[]][] = []
  let [above, left] = [start, mostVersions]
  for (const [done, path] of paths.entries()) {
    const record = edit.find(path)
    const stepped = record && step(record, edit, { above, most: left })
    if (stepped && stepped.changed.length > 0) changed.push([path, stepped.changed])
    left -= stepped?.seen ?? 0
    above = stepped?.goOnAbove ?? 0
    if (stepped?.goOnAbove !== undefined) return { changed, done, above }
    if (left <= 0) return { changed, done: done + 1, above }
  }
  return { changed, done: paths.length, above }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
