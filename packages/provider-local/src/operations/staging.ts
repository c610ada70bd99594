import type { SecretProvider, WriteReceipt } from '@finchat/secrets-core'
import { addVersion, type Change, changeSecret, pushedOut, receiptOf } from './change-secret.ts'
import { assertPath, checkedReceipt } from '../record/input.ts'
import type { KeptVersions } from '../store/options.ts'
import { assertPending, discarded, live, promoted, type SecretRecord, type VersionRecord, timestamp } from '../record/secret-record.ts'
import type { StoreEdit } from '../store/write-batch.ts'
import type { Store } from '../store/store.ts'
import { storedSecret } from '../store/read-view.ts'

/** Versions that wait: one at a time for a secret. */
export function staging(store: Store, keep: KeptVersions): NonNullable<SecretProvider['staging']> {
  return {
    put: (path, secret, context) => addVersion(store, keep, path, secret, 'pending', context),
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
      const step = (record: SecretRecord, edit: StoreEdit): Change<WriteReceipt> => {
        const version = pendingOf(live(record), receipt, edit)
        const next = promoted(record, version.version)
        const dropped = pushedOut(record, next, record.count - keep.most, edit) // the pending one is as the others by then
        return [next, receiptOf(version), { changed: [{ ...version, currentSince: timestamp() }], dropped }]
      }
      return changeSecret(store, path, context, step, keep.remnants)
    },
    discard: async (path, pending, context) => {
      const receipt = checkedReceipt(pending)
      return changeSecret(store, path, context, (record, edit) => {
        const { version } = pendingOf(live(record), receipt, edit)
        return [discarded(record), undefined, { dropped: [version] }]
      })
    },
  }
}

function pendingOf(record: SecretRecord, receipt: WriteReceipt, { versions }: StoreEdit): VersionRecord {
  return assertPending(versions.version(record, record.pending), receipt)
}
