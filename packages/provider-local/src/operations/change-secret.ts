import type { CallContext, NewSecret, WriteReceipt } from '@finchat/secrets-core'
import { firstOf } from '../merkle/version-index.ts'
import { assertPath, type CheckedSecret, checkedSecret, mergedTags } from '../record/input.ts'
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
import type { StoreEdit, VersionChanges } from '../store/write-batch.ts'
import { limits } from '../shared/limits.ts'
import type { KeptVersions, Remnants } from '../store/options.ts'
import type { Store } from '../store/store.ts'

/** What becomes of a secret, what the caller is told, and what becomes of the versions. */
export type Change<T> = readonly [next: SecretRecord, answer: T, versions?: VersionChanges]

/** Changes a secret in one transaction. If that removes versions, resolves only when nothing of them is left in `remnants`. */
export async function changeSecret<T>(
  store: Store,
  path: string,
  context: CallContext,
  step: (record: SecretRecord, edit: StoreEdit) => Change<T>,
  remnants: Remnants = 'file',
): Promise<T> {
  assertPath(path)
  const { removed, answer } = await store.write(context, (edit) => {
    const before = edit.find(path) ?? emptyRecord(path)
    const [next, result, versions = {}] = step(before, edit)
    if (next !== before) edit.save(next, versions)
    const isRemoved = removedCount(before, versions) > 0
    if (isRemoved && remnants === 'file') edit.leavesResidue()
    return { removed: isRemoved, answer: result }
  })
  if (removed) await store.forget(remnants, context)
  return answer
}

/** Adds a version, current or pending, and resolves to what identifies it. */
export async function addVersion(
  store: Store,
  keep: KeptVersions,
  path: string,
  secret: NewSecret,
  as: 'current' | 'pending',
  context: CallContext,
): Promise<WriteReceipt> {
  const checked = checkedSecret(secret)
  try {
    // Writing the whole file anew with every version that is pushed out would make each write as slow as the store is large.
    return await changeSecret(store, path, context, (record, edit) => withVersion(live(record), checked, as, keep, edit), keep.remnants)
  } finally {
    checked.plaintext.fill(0)
  }
}

function removedCount({ count }: SecretRecord, { dropped = [] }: VersionChanges): number {
  return dropped === 'all' ? count : dropped.length
}

function withVersion(
  record: SecretRecord,
  secret: CheckedSecret,
  as: 'current' | 'pending',
  keep: KeptVersions,
  edit: StoreEdit,
): Change<WriteReceipt> {
  const number = numberFor(record, secret, () => edit.versions.version(record, record.current))
  const tagged = { ...record, tags: mergedTags(record.tags, secret.tags ?? {}) }
  const next = as === 'current' ? withCurrent(tagged, number) : withPending(tagged, number)
  const value = edit.seal(record.path, number, secret, as === 'current' ? timestamp() : undefined)
  const released = releasedCount(record) + (as === 'current' ? 1 : 0)
  return [next, receiptOf(value.version), { sealed: [value], dropped: pushedOut(record, next, released - keep.most, edit) }]
}

/** The most that one write removes: a large surplus must not block the event loop. */
const [mostPushedOut, mostPushedOutBytes] = [16, limits.valueBytes]

/** The oldest surplus versions. The current, the previous and the pending version stay. */
export function pushedOut(record: SecretRecord, next: SecretRecord, tooMany: number, { versions }: StoreEdit): number[] {
  const named = [next.current, next.previous, next.pending]
  const oldest = firstOf(versions.ascending(record), Math.min(tooMany, mostPushedOut), named)
  return oldest.length <= fewest ? oldest : shortEnough(oldest, (number) => versions.size(record, number))
}

/** One more than a write adds, so the surplus shrinks. */
const fewest = 2

function shortEnough(numbers: readonly number[], sizeOf: (number: number) => number): number[] {
  let bytes = 0
  return numbers.filter((number, index) => {
    bytes += sizeOf(number)
    return index < fewest || bytes <= mostPushedOutBytes
  })
}

export function receiptOf({ version, revision }: WriteReceipt): WriteReceipt {
  return { version, revision }
}
