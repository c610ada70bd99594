import type { SecretProvider, WriteReceipt } from '@finchat/secrets-core'
import { assertPath, checkedReceipt } from '../record/input.ts'
import { assertPending, discarded, live, promoted, type SecretRecord, type VersionRecord, timestamp } from '../record/secret-record.ts'
import type { Retention } from '../store/options.ts'
import { storedSecret } from '../store/read-view.ts'
import type { Store } from '../store/store.ts'
import type { WriteBatch } from '../store/write-batch.ts'
import { addVersion, type Change, changeSecret, surplusVersions, receiptOf } from './change-secret.ts'

/** At most one pending version per secret. */
export function staging(store: Store, retention: Retention): NonNullable<SecretProvider['staging']> {
  return {
    put: (path, secret, context) => addVersion(store, retention, path, secret, 'pending', context),
    get: async (path, context) => {
      assertPath(path)
      return store.read(context, (view) => {
        const record = live(view.find(path))
        const pending = record && view.versions.version(record, record.pending)
        return pending && storedSecret(view, path, pending)
      })
    },
    promote: async (path, pending, context) => {
      const receipt = checkedReceipt(pending)
      const step = (record: SecretRecord, batch: WriteBatch): Change<WriteReceipt> => {
        const version = pendingOf(live(record), receipt, batch)
        const next = promoted(record, version.version)
        // The pending version counts as current by then.
        const dropped = surplusVersions(record, next, record.count - retention.maxVersions, batch)
        return [next, receiptOf(version), { changed: [{ ...version, currentSince: timestamp() }], dropped }]
      }
      return changeSecret(store, path, context, step, retention.residue)
    },
    discard: async (path, pending, context) => {
      const receipt = checkedReceipt(pending)
      return changeSecret(store, path, context, (record, batch) => {
        const { version } = pendingOf(live(record), receipt, batch)
        return [discarded(record), undefined, { dropped: [version] }]
      })
    },
  }
}

function pendingOf(record: SecretRecord, receipt: WriteReceipt, { versions }: WriteBatch): VersionRecord {
  return assertPending(versions.version(record, record.pending), receipt)
}
