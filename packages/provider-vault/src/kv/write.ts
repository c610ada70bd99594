import { type NewSecret, SecretsError, type WriteReceipt } from '@finchat/secrets-core'
import { deleteVersions, purge, restoreVersions } from './delete.ts'
import type { KvMount } from './mount.ts'
import { checkedSecret, putVersion } from './put.ts'
import { assertVersioned } from './read.ts'
import { kvStaging } from './staging.ts'
import { setTags } from './tags.ts'
import { assertTags } from './input.ts'
import { assertPath } from '../shared/paths.ts'
import type { Provides } from '@finchat/secrets-core/provider'

export function kvWrites(mount: KvMount): Provides<'put' | 'tag' | 'delete' | 'restore' | 'staging'> {
  return {
    put: async (path, secret, { signal }) => {
      const checked = checkedSecret(path, secret)
      return mount.on(signal, (kv) =>
        kv === 2 ? putVersion(mount, path, checked, signal) : putPlain(mount, path, checked, checked.fields, signal),
      )
    },
    tag: async (path, tags, { signal }) => {
      assertPath(path)
      assertTags(tags)
      await mount.on(signal, async (kv) => {
        assertVersioned(kv)
        await setTags(mount, path, tags, signal)
      })
    },
    delete: async (path, options, { signal }) => {
      assertPath(path)
      await mount.on(signal, async (kv) => {
        if (kv === 2) await (options.purge ? purge(mount, path, signal) : deleteVersions(mount, path, signal))
        else await deletePlain(mount, path, options.purge, signal)
      })
      return {}
    },
    restore: async (path, { signal }) => {
      assertPath(path)
      await mount.on(signal, async (kv) => {
        assertVersioned(kv)
        await restoreVersions(mount, path, signal)
      })
    },
    staging: kvStaging(mount),
  }
}

/** KV v1 replaces the secret without a condition. */
async function putPlain(mount: KvMount, path: string, secret: NewSecret, fields: string, signal: AbortSignal): Promise<WriteReceipt> {
  if (secret.version !== undefined || secret.ifCurrent !== undefined || Object.keys(secret.tags ?? {}).length > 0) assertVersioned(1)
  await mount.ask(path, { method: 'POST', body: fields, call: 'write', capability: 'create or update' }, signal)
  return {}
}

async function deletePlain(mount: KvMount, path: string, isPurge: boolean, signal: AbortSignal): Promise<void> {
  if (!isPurge)
    throw new SecretsError('UNSUPPORTED', 'the mount is KV v1, which cannot undo a delete', { remedy: 'delete with `purge: true`' })
  await mount.ask(path, { method: 'DELETE', call: 'write', capability: 'delete' }, signal)
}
