import type { SecretProvider, WriteReceipt } from '@finchat/secrets-core'
import { addVersion, type Change, changeSecret, type KeepVersions, keptOf, receiptOf } from './change-secret.ts'
import { assertPath, checkedReceipt } from './new-secret.ts'
import { discarded, live, promoted, type SecretRecord, versionOf } from './secret-record.ts'
import type { Store } from './store.ts'
import { storedSecret } from './store-view.ts'
import { timestamp } from './timestamp.ts'

/** Versions that wait: one at a time for a secret. */
export function staging(store: Store, keep: KeepVersions): NonNullable<SecretProvider['staging']> {
  return {
    put: (path, secret, context) => addVersion(store, keep, path, secret, 'pending', context),
    get: async (path, context) => {
      assertPath(path)
      return store.read(context, (view) => {
        const record = live(view.find(path))
        const pending = record && versionOf(record, record.pending)
        return pending && storedSecret(view, path, pending)
      })
    },
    promote: async (path, pending, context) => {
      const receipt = checkedReceipt(pending)
      const step = (record: SecretRecord): Change<WriteReceipt> => {
        const next = promoted(live(record), receipt, timestamp())
        return [keptOf(next, keep), receiptOf(versionOf(next, next.current) ?? receipt)]
      }
      return changeSecret(store, path, context, step, 'log')
    },
    discard: async (path, pending, context) => {
      const receipt = checkedReceipt(pending)
      return changeSecret(store, path, context, (record) => [discarded(live(record), receipt), undefined])
    },
  }
}
