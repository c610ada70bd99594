import type { CallContext, NewSecret, WriteReceipt } from '@finchat/secrets-core'
import type { Remnants } from './forgetting.ts'
import { assertPath, type CheckedSecret, checkedSecret, mergedTags } from './new-secret.ts'
import { emptyRecord, live, numberFor, pruned, type SecretRecord, versionOf, withCurrent, withPending } from './secret-record.ts'
import type { SealedVersion, StoreEdit } from './store-edit.ts'
import type { Store } from './store.ts'
import { timestamp } from './timestamp.ts'

/** What becomes of a secret, what the caller is told, and the ciphertext of a version that is new. */
export type Change<T> = readonly [next: SecretRecord, answer: T, value?: SealedVersion]

/** How many versions a write leaves; `undefined`: all of them. */
export type KeepVersions = number | undefined

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
    const [next, result, value] = step(before, edit)
    if (next !== before) edit.save(next, ...(value ? [value] : []))
    return { removed: before.versions.some(({ version }) => !versionOf(next, version)), answer: result }
  })
  if (removed) await store.forget(remnants, context)
  return answer
}

/** Adds a version, current or pending, and resolves to what identifies it. */
export async function addVersion(
  store: Store,
  keep: KeepVersions,
  path: string,
  secret: NewSecret,
  as: 'current' | 'pending',
  context: CallContext,
): Promise<WriteReceipt> {
  const checked = checkedSecret(secret)
  try {
    // Writing the whole file anew with every version that is pushed out would make each write as slow as the store is large.
    return await changeSecret(store, path, context, (record, edit) => withVersion(live(record), checked, as, keep, edit), 'log')
  } finally {
    checked.plaintext.fill(0)
  }
}

function withVersion(
  record: SecretRecord,
  secret: CheckedSecret,
  as: 'current' | 'pending',
  keep: KeepVersions,
  edit: StoreEdit,
): Change<WriteReceipt> {
  const number = numberFor(record, secret)
  const value = edit.seal(record.path, number, secret, as === 'current' ? timestamp() : undefined)
  const tagged = { ...record, tags: mergedTags(record.tags, secret.tags ?? {}) }
  const next = as === 'current' ? withCurrent(tagged, value.version) : withPending(tagged, value.version)
  return [keptOf(next, keep), receiptOf(value.version), value]
}

export function keptOf(record: SecretRecord, keep: KeepVersions): SecretRecord {
  return keep === undefined ? record : pruned(record, keep)
}

export function receiptOf({ version, revision }: WriteReceipt): WriteReceipt {
  return { version, revision }
}
