import { type NewSecret, type SecretProvider, SecretsError, type WriteReceipt } from '@finchat/secrets-core'
import { hasCode } from '@finchat/secrets-core/provider'
import type { KvMount } from './mount.ts'
import { baseOf, checkedSecret, putVersion } from './put.ts'
import { assertVersioned, readLast } from './read.ts'
import { destroyVersions } from './delete.ts'
import { endPromotion, ifPossible, isPromoted, type Pending, readStaged, type Staged, stagedAt, unstage } from './staged.ts'
import { assertTags } from './input.ts'
import { assertPath, stagedPath } from '../shared/paths.ts'

export function kvStaging(mount: KvMount): NonNullable<SecretProvider['staging']> {
  return {
    put: async (path, secret, { signal }) => {
      const checked = checkedSecret(path, secret)
      return versioned(mount, signal, () => stage(mount, path, checked, checked.fields, signal))
    },
    get: async (path, { signal }) => {
      assertPath(path)
      return versioned(mount, signal, async () => {
        const { pending } = await stagedAt(mount, path, signal)
        return pending && { value: pending.value, shape: 'map', revision: pending.revision }
      })
    },
    promote: async (path, pending, { signal }) => {
      assertPath(path)
      return versioned(mount, signal, async () => promote(mount, path, await asNamed(mount, path, pending, signal), signal))
    },
    discard: async (path, pending, { signal }) => {
      assertPath(path)
      return versioned(mount, signal, async () => discard(mount, path, await asNamed(mount, path, pending, signal), signal))
    },
  }
}

function versioned<T>(mount: KvMount, signal: AbortSignal, run: () => Promise<T>): Promise<T> {
  return mount.on(signal, async (kv) => {
    assertVersioned(kv)
    return run()
  })
}

/** Never replaces another staged version: its password may be set at the target already. */
async function stage(mount: KvMount, path: string, secret: NewSecret, fields: string, signal: AbortSignal): Promise<WriteReceipt> {
  const last = (await readLast(mount, path, signal))?.version ?? 0
  const base = (await baseOf(mount, path, secret, signal))?.version ?? last
  if (base !== last) throw new SecretsError('VERSION_CONFLICT', 'the number cannot be written', { remedy: `the next is ${last + 1}` })
  const staged = await stagedAt(mount, path, signal)
  if (staged.pending !== undefined) throw anotherWaits()
  const envelope = `{"base":${base},"tags":${JSON.stringify(secret.tags ?? {})},"fields":${fields}}`
  try {
    const { revision } = await putBeside(mount, path, staged.last, envelope, signal)
    await ifPossible(() => destroyVersions(mount, stagedPath(path), leftOf(staged), signal))
    return { revision }
  } catch (error) {
    throw isConflict(error) ? anotherWaits() : error
  }
}

/** Versions that hold the value of the last discarded one. */
function leftOf({ discarded, last }: Staged): readonly number[] {
  return discarded === undefined ? [] : Array.from({ length: last - discarded }, (_each, index) => discarded + index)
}

/** Writes over exactly this last version. */
function putBeside(mount: KvMount, path: string, last: number, fields: string, signal: AbortSignal): Promise<WriteReceipt> {
  return putVersion(mount, stagedPath(path), { value: '', version: last + 1, fields }, signal)
}

async function promote(mount: KvMount, path: string, found: Pending, signal: AbortSignal): Promise<WriteReceipt> {
  const { base, value, tags, isOverLive } = found
  assertTags(tags)
  const pending = found.claim === undefined ? await claimed(mount, path, found, signal) : found
  const over = isOverLive ? { ifCurrent: { version: base } } : {} // a deletion meanwhile withdraws it
  try {
    const receipt = await putVersion(mount, path, { value, version: base + 1, tags, fields: value, ...over }, signal)
    await ifPossible(() => unstage(mount, path, pending, signal))
    return receipt
  } catch (error) {
    if (!isConflict(error) || !(await isPromoted(mount, path, pending, signal))) throw error
    await endPromotion(mount, path, pending, signal)
    throw new SecretsError('VERSION_CONFLICT', `it was promoted before, as version ${base + 1}`, { remedy: 'read the secret' })
  }
}

async function claimed(mount: KvMount, path: string, pending: Pending, signal: AbortSignal): Promise<Pending> {
  const { base, value, tags, place, revision } = pending
  const [head, held] = [{ promotes: place, revision, base, tags }, `,"fields":${value}}`]
  await putBeside(mount, path, place, JSON.stringify(head).slice(0, -1) + held, signal).catch(decidedMeanwhile)
  return { ...pending, claim: place + 1 }
}

/** The first process that begins to promote wins, unless a newer version makes that impossible. */
async function discard(mount: KvMount, path: string, pending: Pending, signal: AbortSignal): Promise<void> {
  const { base, place, claim } = pending
  if (claim !== undefined) {
    const isOvertaken = ((await readLast(mount, path, signal))?.version ?? 0) !== base
    if (!isOvertaken || (await isPromoted(mount, path, pending, signal))) throw promotionBegan()
  }
  await putBeside(mount, path, claim ?? place, `{"discards":${place}}`, signal).catch(decidedMeanwhile)
  await unstage(mount, path, pending, signal).catch((error: unknown) => {
    throw SecretsError.isInstance(error) ? valueLeft(error) : error
  })
}

function decidedMeanwhile(error: unknown): never {
  if (!isConflict(error)) throw error
  throw new SecretsError('VERSION_CONFLICT', 'another process promotes or discards this version', {
    remedy: 'read what waits, with staging.get',
  })
}

function promotionBegan(): SecretsError {
  return new SecretsError('VERSION_CONFLICT', 'the promotion of this version has begun', {
    remedy: 'promote it again to complete that, or write a newer version, and then discard it',
  })
}

function valueLeft(error: SecretsError): SecretsError {
  return new SecretsError(error.code, `the version was discarded, its value was not destroyed: ${error.problem}`, {
    ...error,
    effect: 'done',
  })
}

/** What is staged, if the receipt matches. */
async function asNamed(mount: KvMount, path: string, named: WriteReceipt, signal: AbortSignal): Promise<Pending> {
  const { pending } = await readStaged(mount, path, signal)
  if (pending !== undefined && pending.revision === named.revision) return pending
  throw new SecretsError('VERSION_CONFLICT', 'this version is not pending', {
    remedy: 'pass the receipt that staging.put or staging.get returned',
  })
}

function isConflict(error: unknown): boolean {
  return hasCode(error, 'VERSION_CONFLICT')
}

function anotherWaits(): SecretsError {
  return new SecretsError('VERSION_CONFLICT', 'another version waits to be promoted', { remedy: 'promote or discard it first' })
}
