import type { CallContext, WriteReceipt } from '@finchat/secrets-core'
import { takeFirst } from '../merkle/version-index.ts'
import { assertPath, type CheckedSecret, mergedTags } from '../record/input.ts'
import {
  emptyRecord,
  live,
  numberFor,
  releasedCount,
  type SecretRecord,
  withCurrent,
  withPending,
  timestamp,
} from '../record/secret-record.ts'
import { limits } from '../shared/limits.ts'
import type { Retention } from '../store/options.ts'
import type { Residue } from '../store/secure-erase.ts'
import type { Store } from '../store/store.ts'
import type { WriteBatch, VersionChanges } from '../store/write-batch.ts'

/** The record to save, the result of the call, and changes of versions. */
export type Change<T> = readonly [next: SecretRecord, answer: T, versions?: VersionChanges]

/**
 * Changes a secret in one transaction. Resolves after removed versions are erased as far as
 * `residue` says.
 */
export async function changeSecret<T>(
  store: Store,
  path: string,
  context: CallContext,
  step: (record: SecretRecord, batch: WriteBatch) => Change<T>,
  residue: Residue = 'file',
): Promise<T> {
  assertPath(path)
  const { removed, isNews, answer } = await store.write(context, (batch) => {
    const before = batch.find(path) ?? emptyRecord(path)
    const [next, result, versions = {}] = step(before, batch)
    if (next !== before) batch.save(next, versions)
    const isRemoved = removedCount(before, versions) > 0
    if (isRemoved && residue === 'file') batch.addResidue()
    return { removed: isRemoved, isNews: next.current !== before.current || next.deletedAt !== before.deletedAt, answer: result }
  })
  if (isNews) store.listeners.notify(path)
  if (removed) await store.erase(residue, context)
  return answer
}

/** Adds a version as `step` does, then wipes its plaintext. */
export async function addVersion<Receipt>(
  store: Store,
  retention: Retention,
  path: string,
  secret: CheckedSecret,
  context: CallContext,
  step: (record: SecretRecord, batch: WriteBatch) => Change<Receipt>,
): Promise<Receipt> {
  try {
    // Rewriting the file each time would make a write as slow as the store is large.
    return await changeSecret(store, path, context, (record, batch) => step(live(record), batch), retention.residue)
  } finally {
    secret.plaintext.fill(0)
  }
}

function removedCount({ count }: SecretRecord, { dropped = [] }: VersionChanges): number {
  return dropped === 'all' ? count : dropped.length
}

export function withVersion(
  record: SecretRecord,
  secret: CheckedSecret,
  as: 'current' | 'pending',
  retention: Retention,
  batch: WriteBatch,
): Change<WriteReceipt> {
  const number = numberFor(record, secret, () => batch.versions.version(record, record.current))
  const tagged = { ...record, tags: mergedTags(record.tags, secret.tags ?? {}) }
  const next = as === 'current' ? withCurrent(tagged, number) : withPending(tagged, number)
  const value = batch.seal(record.path, number, secret, as === 'current' ? timestamp() : undefined)
  const released = releasedCount(record) + (as === 'current' ? 1 : 0)
  return [
    next,
    receiptOf(value.version),
    { sealed: [value], dropped: surplusVersions(record, next, released - retention.maxVersions, batch) },
  ]
}

/** Bounds of one write: removing a large surplus would block the event loop. */
const [maxRemoved, maxRemovedBytes] = [16, limits.valueBytes]

/** The oldest surplus versions. Current, previous and pending versions stay. */
export function surplusVersions(record: SecretRecord, next: SecretRecord, surplus: number, { versions }: WriteBatch): number[] {
  const named = [next.current, next.previous, next.pending]
  const oldest = takeFirst(versions.ascending(record), Math.min(surplus, maxRemoved), named)
  return oldest.length <= fewest ? oldest : shortEnough(oldest, (number) => versions.size(record, number))
}

/** One more than a write adds, so that a surplus shrinks. */
const fewest = 2

function shortEnough(numbers: readonly number[], sizeOf: (number: number) => number): number[] {
  let bytes = 0
  return numbers.filter((number, index) => {
    bytes += sizeOf(number)
    return index < fewest || bytes <= maxRemovedBytes
  })
}

export function receiptOf({ version, revision }: WriteReceipt): WriteReceipt {
  return { version, revision }
}
