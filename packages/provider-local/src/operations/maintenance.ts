import { type CallContext, SecretsError } from '@finchat/secrets-core'
import { knownOptions, type MembersOf } from '@finchat/secrets-core/provider'
import { takeFirst } from '../merkle/version-index.ts'
import { assertPath } from '../record/input.ts'
import { releasedCount, type SecretRecord } from '../record/secret-record.ts'
import { withEffect } from '../shared/file-errors.ts'
import { assertKeepVersions } from '../store/options.ts'
import type { Store } from '../store/store.ts'
import type { WriteBatch } from '../store/write-batch.ts'

/** Which old versions `prune` removes. */
export interface PrunePolicy {
  /** How many versions of each secret stay, the current one included. */
  readonly keepVersions: number
  /** Only this secret. Default: all. */
  readonly path?: string | undefined
}

/** What `prune` removed. */
export interface PruneReport {
  /** Number of versions, of all secrets. */
  readonly pruned: number
  /** Version numbers per secret, ascending; secrets without removed versions are absent. */
  readonly removed: readonly { readonly path: string; readonly versions: readonly number[] }[]
}

const policyMembers: MembersOf<PrunePolicy> = { keepVersions: 'any', path: 'any' }

/** Bounds of one transaction: readers and the event loop run in between. */
const [maxSecrets, maxVersions] = [16, 128]

/** Removes old versions, of deleted secrets too; never a pending one. */
export async function prune(store: Store, policy: PrunePolicy, context: CallContext): Promise<PruneReport> {
  const { keepVersions, path } = knownOptions(policy, policyMembers)
  assertKeepVersions(keepVersions)
  if (path !== undefined) assertPath(path)
  const removed = await forEachSecret(store, path === undefined ? undefined : [path], context, (record, batch, { most }) =>
    pruned(record, batch, releasedCount(record) - keepVersions, most),
  )
  await store.erase('file', context)
  return { pruned: sum(removed), removed: [...removed].map(([each, versions]) => ({ path: each, versions })) }
}

function pruned(record: SecretRecord, batch: WriteBatch, surplus: number, most: number): StepResult {
  const dropped = takeFirst(batch.versions.ascending(record), Math.min(surplus, most), [record.current, record.pending])
  const previous = dropped.includes(record.previous ?? 0) ? undefined : record.previous
  if (dropped.length > 0) {
    batch.save({ ...record, previous }, { dropped })
    batch.addResidue()
  }
  return { changed: dropped, seen: dropped.length, continueAbove: surplus > most ? 0 : undefined }
}

/**
 * Reseals what another key sealed, then gives the index a new key for the first key alone. Resolves
 * to the number of resealed versions. After an abort, a second call does the rest.
 */
export async function reencrypt(store: Store, context: CallContext, onProgress?: OnProgress): Promise<{ reencrypted: number }> {
  const roots = new Map<string, Buffer | undefined>()
  const step: Step = (record, batch, part) => {
    const stepped = resealed(record, batch, part)
    if (stepped.continueAbove === undefined) roots.set(record.path, batch.find(record.path)?.root)
    return stepped
  }
  const most = await forEachSecret(store, undefined, context, step, onProgress)
  const rest = await store.write(context, (batch) => {
    // Versions sealed with an old key meanwhile.
    const late = batch.paths().reduce((total, path) => total + resealedSince(batch.find(path), batch, roots.get(path)), 0)
    batch.retireOtherKeys()
    batch.addResidue()
    return late
  })
  await store.erase('file', context)
  return { reencrypted: sum(most) + rest }
}

/** Skips a secret whose versions have not changed since `root`. */
function resealedSince(record: SecretRecord | undefined, batch: WriteBatch, root: Buffer | undefined): number {
  if (!record || root?.equals(record.root)) return 0
  return resealed(record, batch, { above: 0, most: Number.POSITIVE_INFINITY }).changed.length
}

function resealed(record: SecretRecord, batch: WriteBatch, { above, most }: StepBounds): StepResult {
  const numbers = takeFirst(batch.versions.ascending(record, above), most, [])
  const versions = numbers.flatMap((number) => batch.versions.version(record, number) ?? [])
  const sealed = versions.flatMap((version) => batch.reseal(record.path, version) ?? [])
  if (sealed.length > 0) {
    batch.save(record, { sealed })
    batch.addResidue()
  }
  return {
    changed: sealed.map(({ version }) => version.version),
    seen: numbers.length,
    continueAbove: numbers.length < most ? undefined : numbers.at(-1),
  }
}

function sum(changed: ReadonlyMap<string, readonly number[]>): number {
  return [...changed.values()].reduce((total, { length }) => total + length, 0)
}

/** Bounds of one step. */
interface StepBounds {
  readonly above: number
  readonly most: number
}

interface StepResult {
  readonly changed: readonly number[]
  /** Versions that the step looked at. */
  readonly seen: number
  /** Where the next step continues; undefined once the secret is done. */
  readonly continueAbove: number | undefined
}

/** Told how many secrets are done, and how many there are. */
type OnProgress = (done: number, all: number) => void

type Step = (record: SecretRecord, batch: WriteBatch, part: StepBounds) => StepResult

/** Runs `step` on every secret, in batches. Returns the changed versions per secret. */
async function forEachSecret(
  store: Store,
  only: readonly string[] | undefined,
  context: CallContext,
  step: Step,
  onProgress?: OnProgress,
): Promise<Map<string, number[]>> {
  const paths = only ?? (await store.read(context, (view) => view.paths()))
  const all = new Map<string, number[]>()
  for (let [start, above] = [0, 0]; start < paths.length;) {
    const writing = store.write(context, (batch) => stepThrough(paths.slice(start, start + maxSecrets), above, batch, step))
    const progress = await (all.size > 0 ? writing.catch(partlyDone) : writing)
    for (const [path, numbers] of progress.changed) all.set(path, [...(all.get(path) ?? []), ...numbers])
    start += progress.done
    above = progress.above
    onProgress?.(start, paths.length)
    await nextTurn()
  }
  return all
}

/** Earlier batches are committed. */
function partlyDone(error: unknown): never {
  if (!SecretsError.isInstance(error) || error.effect !== undefined) throw error
  throw withEffect(error, 'unknown', 'call it again, since a part is done')
}

interface Progress {
  readonly changed: readonly (readonly [path: string, numbers: readonly number[]])[]
  /** Finished secrets, and where to continue in the next. */
  readonly done: number
  readonly above: number
}

function stepThrough(paths: readonly string[], start: number, batch: WriteBatch, step: Step): Progress {
  const changed: [string, readonly number[]][] = []
  let [above, left] = [start, maxVersions]
  for (const [done, path] of paths.entries()) {
    const record = batch.find(path)
    const stepped = record && step(record, batch, { above, most: left })
    if (stepped && stepped.changed.length > 0) changed.push([path, stepped.changed])
    left -= stepped?.seen ?? 0
    above = stepped?.continueAbove ?? 0
    if (stepped?.continueAbove !== undefined) return { changed, done, above }
    if (left <= 0) return { changed, done: done + 1, above }
  }
  return { changed, done: paths.length, above }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
