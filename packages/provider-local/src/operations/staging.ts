import type { NewStagedSecret, StagedReceipt, StagedSecret, Staging, WriteReceipt } from '@finchat/secrets-core'
import { checkedNote, matchesReceipt } from '@finchat/secrets-core/provider'
import { assertPath, type CheckedSecret, checkedReceipt, checkedSecret } from '../record/input.ts'
import {
  assertPending,
  discarded,
  live,
  promoted,
  refuseUnlessCurrent,
  type SecretRecord,
  type VersionRecord,
  timestamp,
} from '../record/secret-record.ts'
import type { Retention } from '../store/options.ts'
import { storedSecret } from '../store/read-view.ts'
import type { Store } from '../store/store.ts'
import type { WriteBatch } from '../store/write-batch.ts'
import { addVersion, type Change, changeSecret, receiptOf, surplusVersions, withVersion } from './change-secret.ts'

/** At most one pending version per secret. A call repeated after a lost answer writes nothing. */
export function staging(store: Store, retention: Retention): Staging {
  return {
    put: async (path, secret, context) => {
      const checked = checkedStaged(secret)
      return addVersion(store, retention, path, checked, context, (record, batch) => withStaged(record, checked, retention, batch))
    },
    get: async (path, context) => {
      assertPath(path)
      return store.read(context, (view): StagedSecret | undefined => {
        const record = live(view.find(path))
        const pending = record && view.versions.version(record, record.pending)
        if (!pending) return undefined
        const { version: attempt, createdAt: stagedAt, note } = pending
        return { ...storedSecret(view, path, pending), attempt, stagedAt, ...(note && { note }) }
      })
    },
    promote: async (path, pending, context) => {
      const receipt = checkedReceipt(pending)
      const step = (record: SecretRecord, batch: WriteBatch): Change<WriteReceipt> => withPromoted(live(record), receipt, retention, batch)
      return changeSecret(store, path, context, step, retention.residue)
    },
    discard: async (path, pending, context) => {
      const receipt = checkedReceipt(pending)
      return changeSecret(store, path, context, (record, batch) => {
        const { discarded: last } = live(record)
        if (last && matchesReceipt(receipt, last)) return [record, undefined]
        const version = pendingOf(record, receipt, batch)
        return [discarded(record, version), undefined, { dropped: [version.version] }]
      })
    },
  }
}

/** Throws `INVALID_ARGUMENT`. */
function checkedStaged(secret: NewStagedSecret): CheckedSecret {
  const checked = checkedSecret(secret)
  try {
    return { ...checked, note: checkedNote(secret.note) }
  } catch (error) {
    checked.plaintext.fill(0)
    throw error
  }
}

function withStaged(record: SecretRecord, secret: CheckedSecret, retention: Retention, batch: WriteBatch): Change<StagedReceipt> {
  const pending = batch.versions.version(record, record.pending)
  if (pending && isSame(record, pending, secret, batch)) {
    const current = batch.versions.version(record, record.current)
    if (secret.ifCurrent !== undefined) refuseUnlessCurrent(current, secret.ifCurrent, record.lastVersion + 1)
    return [record, stagedReceiptOf(pending)]
  }
  const [next, receipt, versions = {}] = withVersion(record, secret, 'pending', retention, batch)
  return [next, stagedReceiptOf(receipt), versions]
}

/** Whether the pending version is what a repeated call would stage. */
function isSame({ path }: SecretRecord, pending: VersionRecord, secret: CheckedSecret, batch: WriteBatch): boolean {
  const isNumber = secret.version === undefined || secret.version === pending.version
  const isNote = JSON.stringify(secret.note) === JSON.stringify(pending.note)
  if (!isNumber || !isNote || secret.kind !== pending.kind) return false
  const plaintext = batch.unseal(path, pending)
  const isValue = plaintext.equals(secret.plaintext)
  plaintext.fill(0)
  return isValue
}

/** Version numbers grow with every version staged, and are never used again. */
function stagedReceiptOf(receipt: WriteReceipt): StagedReceipt {
  return { ...receiptOf(receipt), attempt: receipt.version }
}

function withPromoted(record: SecretRecord, receipt: WriteReceipt, retention: Retention, batch: WriteBatch): Change<WriteReceipt> {
  const current = batch.versions.version(record, record.current)
  if (current && matchesReceipt(receipt, current)) return [record, receiptOf(current)]
  const version = pendingOf(record, receipt, batch)
  const next = promoted(record, version.version)
  // The pending version counts as current by then.
  const dropped = surplusVersions(record, next, record.count - retention.maxVersions, batch)
  return [next, receiptOf(version), { changed: [{ ...version, currentSince: timestamp(), note: undefined }], dropped }]
}

function pendingOf(record: SecretRecord, receipt: WriteReceipt, { versions }: WriteBatch): VersionRecord {
  return assertPending(versions.version(record, record.pending), receipt)
}
