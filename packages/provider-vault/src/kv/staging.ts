import { type NewStagedSecret, type StagedReceipt, type Staging, SecretsError, type WriteReceipt } from '@finchat/secrets-core'
import { checkedNote, hasCode } from '@finchat/secrets-core/provider'
import type { KvMount } from './mount.ts'
import { baseOf, checkedSecret, putVersion } from './put.ts'
import { assertVersioned, readLast } from './read.ts'
import { destroyVersions } from './delete.ts'
import {
  type Ended,
  endPromotion,
  ifPossible,
  isPromoted,
  isSameFields,
  type Pending,
  putBeside,
  readStaged,
  recordPromotion,
  removeLeft,
  type Staged,
  stagedAt,
  unstage,
} from './staged.ts'
import { assertTags } from './input.ts'
import { assertPath, stagedPath } from '../shared/paths.ts'

export function kvStaging(mount: KvMount): Staging {
  return {
    put: async (path, secret, { signal }) => {
      const checked = { ...checkedSecret(path, secret), note: checkedNote(secret.note) }
      return versioned(mount, signal, () => stage(mount, path, checked, signal))
    },
    get: async (path, { signal }) => {
      assertPath(path)
      return versioned(mount, signal, async () => {
        const { pending } = await stagedAt(mount, path, signal)
        if (pending === undefined) return undefined
        const { value, revision, note } = pending
        return { value, shape: 'map', ...receiptOf(pending), stagedAt: Date.parse(revision), ...(note && { note }) }
      })
    },
    promote: async (path, receipt, { signal }) => {
      assertPath(path)
      return versioned(mount, signal, () => promote(mount, path, receipt, signal))
    },
    discard: async (path, receipt, { signal }) => {
      assertPath(path)
      return versioned(mount, signal, () => discard(mount, path, receipt, signal))
    },
  }
}

function versioned<T>(mount: KvMount, signal: AbortSignal, run: () => Promise<T>): Promise<T> {
  return mount.on(signal, async (kv) => {
    assertVersioned(kv)
    return run()
  })
}

function receiptOf({ revision, place }: Pick<Pending, 'revision' | 'place'>): StagedReceipt {
  return { revision, attempt: place }
}

interface CheckedStaged extends NewStagedSecret {
  readonly fields: string
}

/** Never replaces another staged version: its password may be set at the target already. */
async function stage(mount: KvMount, path: string, secret: CheckedStaged, signal: AbortSignal): Promise<StagedReceipt> {
  const last = (await readLast(mount, path, signal))?.version ?? 0
  const base = (await baseOf(mount, path, secret, signal))?.version ?? last
  if (base !== last) throw new SecretsError('VERSION_CONFLICT', 'the number cannot be written', { remedy: `the next is ${last + 1}` })
  const staged = await stagedAt(mount, path, signal)
  if (staged.pending !== undefined) return standing(staged.pending, secret)
  const { tags = {}, note } = secret
  const envelope = { base, tags, ...(note && { note }), ended: staged.ended }
  try {
    const { revision = '' } = await putBeside(mount, path, staged.last, envelope, secret.fields, signal)
    await ifPossible(() => destroyVersions(mount, stagedPath(path), leftOf(staged), signal))
    return receiptOf({ revision, place: staged.last + 1 })
  } catch (error) {
    if (!isConflict(error)) throw error
    return standing((await stagedAt(mount, path, signal)).pending, secret)
  }
}

/** The receipt of what is staged, if it is what this call would stage. */
function standing(pending: Pending | undefined, { fields, tags = {}, note }: CheckedStaged): StagedReceipt {
  const isSame = pending !== undefined && isSameTexts(pending.tags, tags) && isSameTexts(pending.note, note)
  if (isSame && isSameFields(pending.value, fields)) return receiptOf(pending)
  throw new SecretsError('VERSION_CONFLICT', 'another version waits to be promoted', { remedy: 'promote or discard it first' })
}

/** Vault orders keys, and so does a note. */
function isSameTexts(one: Pending['note'], other: Pending['note']): boolean {
  const textOf = (texts: Record<string, string>): string => JSON.stringify(Object.entries(texts).toSorted(([a], [b]) => (a < b ? -1 : 1)))
  return one === undefined || other === undefined ? one === other : textOf(one) === textOf(other)
}

/** Versions that hold the value of the last discarded one. */
function leftOf({ discarded, last }: Staged): readonly number[] {
  return discarded === undefined ? [] : Array.from({ length: last - discarded }, (_each, index) => discarded + index)
}

async function promote(mount: KvMount, path: string, receipt: WriteReceipt, signal: AbortSignal): Promise<WriteReceipt> {
  const staged = await readStaged(mount, path, signal)
  const { pending, ended } = staged
  if (pending !== undefined && pending.revision === receipt.revision) return promotePending(mount, path, pending, ended, signal)
  await removeLeft(mount, path, staged, signal)
  return promotedBefore(mount, path, receipt, ended, signal)
}

async function promotePending(mount: KvMount, path: string, found: Pending, ended: Ended, signal: AbortSignal): Promise<WriteReceipt> {
  const { base, value, tags, isOverLive } = found
  assertTags(tags)
  const pending = found.claim === undefined ? await claimed(mount, path, found, ended, signal) : found
  if (pending === undefined) return promotedMeanwhile(mount, path, found, signal)
  const over = isOverLive ? { ifCurrent: { version: base } } : {} // a deletion meanwhile withdraws it
  try {
    const receipt = await putVersion(mount, path, { value, version: base + 1, tags, fields: value, ...over }, signal)
    await ifPossible(() => recordPromotion(mount, path, pending, ended, signal))
    return receipt
  } catch (error) {
    if (!isConflict(error) || !(await isPromoted(mount, path, pending, signal))) throw error
    await endPromotion(mount, path, pending, ended, signal)
    return currentReceipt(mount, path, base + 1, signal)
  }
}

/** The receipt of a promotion of this version, which was done before. */
async function promotedBefore(
  mount: KvMount,
  path: string,
  { revision }: WriteReceipt,
  { promoted }: Ended,
  signal: AbortSignal,
): Promise<WriteReceipt> {
  if (promoted === undefined || promoted.revision !== revision) throw notPending()
  return currentReceipt(mount, path, promoted.version, signal)
}

async function currentReceipt(mount: KvMount, path: string, promoted: number, signal: AbortSignal): Promise<WriteReceipt> {
  const now = await readLast(mount, path, signal)
  if (now?.secret !== undefined && now.version === promoted) return { version: now.version, revision: now.revision }
  throw new SecretsError('VERSION_CONFLICT', `it was promoted before, as version ${promoted}, and is not current any more`, {
    remedy: 'read the secret',
  })
}

/** `undefined`: another process promotes or discards it. */
async function claimed(mount: KvMount, path: string, pending: Pending, ended: Ended, signal: AbortSignal): Promise<Pending | undefined> {
  const { base, value, tags, note, place, revision } = pending
  const head = { promotes: place, revision, base, tags, ...(note && { note }), ended }
  try {
    await putBeside(mount, path, place, head, value, signal)
  } catch (error) {
    if (!isConflict(error)) throw error
    return undefined
  }
  return { ...pending, claim: place + 1 }
}

/** Another process was faster: this one helps it to promote, or learns that it did or discarded. */
async function promotedMeanwhile(mount: KvMount, path: string, { revision }: Pending, signal: AbortSignal): Promise<WriteReceipt> {
  const { pending, ended } = await readStaged(mount, path, signal)
  if (pending?.revision === revision && pending.claim !== undefined) return promotePending(mount, path, pending, ended, signal)
  if (ended.promoted?.revision === revision) return promotedBefore(mount, path, { revision }, ended, signal)
  throw decidedMeanwhile()
}

/** The first process that begins to promote wins, unless a newer version makes that impossible. */
async function discard(mount: KvMount, path: string, receipt: WriteReceipt, signal: AbortSignal): Promise<void> {
  const staged = await readStaged(mount, path, signal)
  const { pending, ended } = staged
  if (pending === undefined || pending.revision !== receipt.revision) return discardedBefore(mount, path, receipt, staged, signal)
  const { base, place, claim, revision } = pending
  if (claim !== undefined) {
    const isOvertaken = ((await readLast(mount, path, signal))?.version ?? 0) !== base
    if (!isOvertaken || (await isPromoted(mount, path, pending, signal))) throw promotionBegan()
  }
  try {
    await putBeside(mount, path, claim ?? place, { discards: place, ended: { ...ended, discarded: revision } }, undefined, signal)
  } catch (error) {
    if (!isConflict(error)) throw error
    const now = await readStaged(mount, path, signal)
    if (now.ended.discarded !== revision) throw decidedMeanwhile()
  }
  await unstage(mount, path, pending, signal).catch(valueLeft)
}

/** Completes a discard that stopped before its value was destroyed. */
async function discardedBefore(
  mount: KvMount,
  path: string,
  { revision }: WriteReceipt,
  staged: Staged,
  signal: AbortSignal,
): Promise<void> {
  if (revision === undefined || staged.ended.discarded !== revision) throw notPending()
  await destroyVersions(mount, stagedPath(path), leftOf(staged), signal).catch(valueLeft)
}

function decidedMeanwhile(): SecretsError {
  return new SecretsError('VERSION_CONFLICT', 'another process promotes or discards this version', {
    remedy: 'read what waits, with staging.get',
  })
}

function promotionBegan(): SecretsError {
  return new SecretsError('VERSION_CONFLICT', 'the promotion of this version has begun', {
    remedy: 'promote it again to complete that, or write a newer version, and then discard it',
  })
}

function valueLeft(error: unknown): never {
  if (!SecretsError.isInstance(error)) throw error
  throw new SecretsError(error.code, `the version was discarded, its value was not destroyed: ${error.problem}`, {
    ...error,
    effect: 'done',
  })
}

function notPending(): SecretsError {
  return new SecretsError('VERSION_CONFLICT', 'this version is not pending', {
    remedy: 'pass the receipt that staging.put or staging.get returned',
  })
}

function isConflict(error: unknown): boolean {
  return hasCode(error, 'VERSION_CONFLICT')
}
