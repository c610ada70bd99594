import type { Provides } from '@finchat/secrets-core/provider'
import { assertObject, checkedSecret, checkedTagChanges, mergedTags } from '../record/input.ts'
import { existing, live, purged, restored, tombstoned, timestamp } from '../record/secret-record.ts'
import type { Retention } from '../store/options.ts'
import type { Store } from '../store/store.ts'
import { addVersion, changeSecret, withVersion } from './change-secret.ts'
import { staging } from './staging.ts'

export type Writes = Provides<'put' | 'tag' | 'delete' | 'restore' | 'staging'>

/** Each write maps one record to the next in one transaction. */
export function writes(store: Store, retention: Retention): Writes {
  return {
    put: async (path, secret, context) => {
      const checked = checkedSecret(secret)
      return addVersion(store, retention, path, checked, context, (record, batch) =>
        withVersion(record, checked, 'current', retention, batch),
      )
    },
    tag: async (path, tags, context) => {
      const changes = checkedTagChanges(tags)
      return changeSecret(store, path, context, (record) => {
        const secret = existing(live(record))
        return [{ ...secret, tags: mergedTags(secret.tags, changes) }, undefined]
      })
    },
    delete: async (path, options, context) => {
      assertObject(options, 'the options of a delete')
      const { purge } = options
      return changeSecret(store, path, context, (record) =>
        purge ? [purged(existing(record)), {}, { dropped: 'all' }] : [tombstoned(existing(record), timestamp()), {}],
      )
    },
    restore: (path, context) => changeSecret(store, path, context, (record) => [restored(existing(record)), undefined]),
    staging: staging(store, retention),
  }
}
