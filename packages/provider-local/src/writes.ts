import type { CallContext, NewSecret, WriteReceipt } from '@finchat/secrets-core'
import { assertPath, assertTags, checkedSecret, type CheckedSecret, mergedTags } from './new-secret.ts'
import type { Provides } from './provides.ts'
import {
  discarded, emptyRecord, existing, live, numberFor, promoted, pruned, purged, restored, type SecretRecord, tombstoned, versionOf, withCurrent, withPending,
} from './secret-record.ts'
import type { Store } from './store.ts'
import type { SealedVersion, StoreEdit } from './store-edit.ts'
import { storedSecret } from './store-view.ts'

export type Writes = Provides<'put' | 'tag' | 'delete' | 'restore' | 'staging'>

/** Every write is one step of `secret-record.ts` in one transaction; what removes a ciphertext also forgets it. */
export function writes(store: Store, keepVersions: number | undefined): Writes {
  /** Changes a secret. If that removes versions, resolves only after nothing of them is left on disk. */
  async function change<T>(path: string, context: CallContext, step: (record: SecretRecord, edit: StoreEdit) => [SecretRecord, T, ...SealedVersion[]]): Promise<T> {
    assertPath(path)
    const { removed, result } = await store.write(context, (edit) => {
      const before = edit.find(path) ?? emptyRecord(path)
      const [next, result, ...values] = step(before, edit)
      if (next !== before) edit.save(next, ...values)
      return { removed: before.versions.some(({ version }) => !versionOf(next, version)), result }
    })
    if (removed) await store.forget(context)
    return result
  }

  async function put(path: string, secret: NewSecret, context: CallContext, pending: boolean): Promise<WriteReceipt> {
    const checked = checkedSecret(secret)
    try {
      return await change(path, context, (record, edit) => added(record, edit, checked, pending))
    } finally {
      checked.plaintext.fill(0)
    }
  }

  function added(record: SecretRecord, edit: StoreEdit, secret: CheckedSecret, pending: boolean): [SecretRecord, WriteReceipt, SealedVersion] {
    const number = numberFor(live(record), secret)
    const value = edit.seal(record.path, number, secret, pending ? undefined : Date.now())
    const tagged = { ...record, tags: mergedTags(record.tags, secret.tags ?? {}) }
    const next = pending ? withPending(tagged, value.version) : withCurrent(tagged, value.version)
    return [keepVersions === undefined ? next : pruned(next, keepVersions), receipt(value.version), value]
  }

  return {
    put: (path, secret, context) => put(path, secret, context, false),
    tag: async (path, tags, context) => {
      assertTags(tags)
      return change(path, context, (record) => [{ ...record, tags: mergedTags(existing(live(record)).tags, tags) }, undefined])
    },
    delete: (path, { purge }, context) =>
      change(path, context, (record) => [purge ? purged(existing(record)) : tombstoned(existing(record), Date.now()), {}]),
    restore: (path, context) => change(path, context, (record) => [restored(existing(record)), undefined]),
    staging: {
      put: (path, secret, context) => put(path, secret, context, true),
      get: async (path, context) => {
        assertPath(path)
        return store.read(context, (view) => {
          const record = live(view.find(path))
          const pending = record && versionOf(record, record.pending)
          return pending && storedSecret(view, path, pending)
        })
      },
      promote: (path, pending, context) =>
        change(path, context, (record) => {
          const next = promoted(live(record), pending, Date.now())
          return [keepVersions === undefined ? next : pruned(next, keepVersions), receipt(versionOf(next, next.current))]
        }),
      discard: (path, pending, context) => change(path, context, (record) => [discarded(live(record), pending), undefined]),
    },
  }
}

function receipt(version: WriteReceipt | undefined): WriteReceipt {
  return { version: version?.version, revision: version?.revision }
}
