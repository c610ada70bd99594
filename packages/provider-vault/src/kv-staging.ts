import { type NewSecret, type SecretProvider, SecretsError, type StoredSecret, type WriteReceipt } from '@finchat/secrets-core'
import { isObject, member } from './answer.ts'
import { valueText } from './json-text.ts'
import { forget } from './kv-delete.ts'
import type { KvMount } from './kv-mount.ts'
import { casOf, checkedSecret, putVersion } from './kv-put.ts'
import { assertVersioned, readLast, readVersion } from './kv-reads.ts'
import { assertTags } from './new-secret.ts'
import { assertPath, stagedPath } from './paths.ts'

/**
 * A version that waits, beside its secret: `{ base, tags, fields }`. `base` is the number that was the last when it was staged, over which alone it
 * may be promoted. It has no number of its own, for KV gives them out as it writes.
 */
interface Pending extends StoredSecret {
  readonly base: number
  readonly tags: Readonly<Record<string, string>>
}

export function kvStaging(mount: KvMount): NonNullable<SecretProvider['staging']> {
  return {
    put: async (path, secret, { signal }) => {
      const checked = checkedSecret(path, secret)
      return versioned(mount, signal, () => stage(mount, path, checked, checked.fields, signal))
    },
    get: async (path, { signal }) => {
      assertPath(path)
      return versioned(mount, signal, async () => {
        const { value, shape, revision } = (await pendingAt(mount, path, signal)) ?? {}
        return value === undefined ? undefined : { value, shape, revision }
      })
    },
    promote: async (path, pending, { signal }) => {
      assertPath(path)
      return versioned(mount, signal, async () => {
        const { base, value, tags } = await asNamed(mount, path, pending, signal)
        assertTags(tags)
        const receipt = await putVersion(mount, path, { value, version: base + 1, tags, fields: String(value) }, signal)
        await forget(mount, stagedPath(path), signal)
        return receipt
      })
    },
    discard: async (path, pending, { signal }) => {
      assertPath(path)
      return versioned(mount, signal, async () => {
        await asNamed(mount, path, pending, signal)
        await forget(mount, stagedPath(path), signal)
      })
    },
  }
}

function versioned<T>(mount: KvMount, signal: AbortSignal, run: () => Promise<T>): Promise<T> {
  return mount.on(signal, async (kv) => {
    assertVersioned(kv)
    return run()
  })
}

/** Never over another one that waits: its password may be set at the target already. */
async function stage(mount: KvMount, path: string, secret: NewSecret, fields: string, signal: AbortSignal): Promise<WriteReceipt> {
  const last = (await readLast(mount, path, signal))?.version ?? 0
  const base = (await casOf(mount, path, secret, signal)) ?? last
  if (base !== last) throw new SecretsError('VERSION_CONFLICT', 'the number cannot be written', { remedy: `the next is ${last + 1}` })
  const envelope = `{"base":${base},"tags":${JSON.stringify(secret.tags ?? {})},"fields":${fields}}`
  try {
    const { revision } = await putVersion(mount, stagedPath(path), { value: '', version: 1, fields: envelope }, signal)
    return { revision }
  } catch (error) {
    if (!SecretsError.isInstance(error) || error.code !== 'VERSION_CONFLICT') throw error
    throw new SecretsError('VERSION_CONFLICT', 'another version waits to be promoted', { remedy: 'promote or discard it first' })
  }
}

async function pendingAt(mount: KvMount, path: string, signal: AbortSignal): Promise<Pending | undefined> {
  const stored = await readVersion(mount, stagedPath(path), signal)
  if (stored === undefined) return undefined
  const envelope: unknown = JSON.parse(String(stored.value)) // cut out of an answer that was JSON
  const [base, tags, value] = [member(envelope, 'base'), member(envelope, 'tags'), valueText(String(stored.value), ['fields'])]
  if (typeof base !== 'number' || !isObject(tags) || value === undefined) {
    throw new SecretsError('INTEGRITY', 'what waits to be promoted was not staged by this provider', {
      remedy: 'look at it, then discard it',
    })
  }
  return { value, shape: 'map', revision: stored.revision, base, tags: tags as Pending['tags'] } // as staged, and checked again before it is written
}

/** What waits, if it is what the caller knows of. */
async function asNamed(mount: KvMount, path: string, named: WriteReceipt, signal: AbortSignal): Promise<Pending> {
  const pending = await pendingAt(mount, path, signal)
  if (pending !== undefined && pending.revision === named.revision) return pending
  throw new SecretsError('VERSION_CONFLICT', 'this version does not wait to be promoted', { remedy: 'read what does, with staging.get' })
}
