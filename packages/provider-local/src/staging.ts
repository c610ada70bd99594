import type { SecretProvider } from '@finchat/secrets-core'
import { addVersion, changeSecret, type KeepVersions, keptOf, receiptOf } from './change-secret.ts'
import { assertPath } from './new-secret.ts'
import { discarded, live, promoted, versionOf } from './secret-record.ts'
import type { Store } from './store.ts'
import { storedSecret } from './store-view.ts'

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
    promote: (path, pending, context) =>
      changeSecret(store, path, context, (record) => {
        const next = promoted(live(record), pending, Date.now())
        return [keptOf(next, keep), receiptOf(versionOf(next, next.current) ?? pending)]
      }),
    discard: (path, pending, context) => changeSecret(store, path, context, (record) => [discarded(live(record), pending), undefined]),
  }
}
