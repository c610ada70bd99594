import { type CallContext, type NewSecret, type SecretProvider, type WriteReceipt } from '@finchat/secrets-core'
import type { Api } from './api.ts'
import { type History, isNamedBy, type LabelledVersion } from './history.ts'
import { madeNumberOf, pending, putLabel, stagedLabel, stagedNumberOf, unreleasedLabel, versionLabel } from './labels.ts'
import { assertPath, checkedSecret } from './new-secret.ts'
import { prepare, tagAfterwards, targetOf } from './put.ts'
import { readPending } from './reads.ts'
import { isOpen, withOpenEffect } from './store-error.ts'
import {
  addVersion,
  attachLabel,
  attachNumber,
  becameCurrent,
  findHistory,
  isConflict,
  makeCurrent,
  makeRoom,
  removeLabel,
  settleNumbers,
  stopwatch,
  whileThere,
} from './versions.ts'
import { conflict, planWrite } from './write-plan.ts'

/** Versions that wait under AWSPENDING, AWS's own label for it: one at a time for a secret. */
export function staging(api: Api, kmsKeyId: string | undefined): NonNullable<SecretProvider['staging']> {
  return {
    put: (path, secret, context) => whileThere(stage(api, kmsKeyId, path, secret, context)),
    get: async (path, context) => {
      assertPath(path)
      return readPending(api, path, context)
    },
    promote: (path, receipt, context) => whileThere(promote(api, path, receipt, context)),
    discard: (path, receipt, context) => whileThere(discard(api, path, receipt, context)),
  }
}

async function stage(api: Api, kmsKeyId: string | undefined, path: string, secret: NewSecret, context: CallContext): Promise<WriteReceipt> {
  assertPath(path)
  const checked = checkedSecret(secret)
  const target = await targetOf(api, kmsKeyId, path, checked, context)
  const { history } = target
  // Never replaced: its value may be set at its target already.
  if (history.pending !== undefined) throw conflict('a version is pending already', 'promote it or discard it')
  const plan = planWrite({ ...history, unfinished: undefined }, checked)
  const label = history.versions.length === 0 ? unreleasedLabel(plan.number) : stagedLabel(plan.number)
  await prepare(api, history, plan, [pending, label], context)
  const { revision } = await addVersion(api, history, plan.number, checked.content, [pending, label], context)
  await tagAfterwards(api, target, checked, context)
  return { version: plan.number, revision }
}

/** Makes the pending version current by the same move that a write ends with; what was written since it was staged forbids it. */
async function promote(api: Api, path: string, receipt: WriteReceipt, context: CallContext): Promise<WriteReceipt> {
  const { history, waiting, number } = await pendingOf(api, path, receipt, context)
  const now = history.current
  if (now !== undefined && !(now.version !== undefined && now.version < number)) {
    throw conflict(`version ${now.version ?? '(without a number)'} was written after the pending ${number}`, 'discard it and stage again')
  }
  const isFirst = waiting === history.holder
  await takeNumber(api, { history, waiting, number }, context)
  const release = isFirst ? requireStillFirst : makePendingCurrent
  await release(api, { history, waiting, number }, context)
  await settleNumbers(api, history, number, waiting.revision, context)
  // Left behind it does no harm: AWS leaves it there too, and the next version that is staged takes it.
  const [unpend] = await Promise.allSettled([removeLabel(api, history, { label: pending, revision: waiting.revision }, context)])
  // Nothing else tells two promotions of a first version apart.
  if (isFirst && unpend.status === 'rejected' && isConflict(unpend.reason)) throw unpend.reason
  return { version: number, revision: waiting.revision }
}

/** As a write does it: with `put-<n>` first, which keeps the number from being believed before AWSCURRENT has moved. */
async function takeNumber(api: Api, { history, waiting, number }: Pending, context: CallContext): Promise<void> {
  const { revision } = waiting
  await makeRoom(api, history, [putLabel(number), versionLabel(number)], context)
  const msSincePut = stopwatch()
  await attachLabel(api, history, { label: putLabel(number), revision }, context)
  try {
    await attachNumber(api, history, { version: number, revision }, msSincePut, context)
  } catch (error) {
    throw isConflict(error) && !isOpen(error) ? conflict(`number ${number} was given to another version meanwhile`, stageAnew) : error
  }
}

const stageAnew = 'discard the pending version and stage it again'

async function makePendingCurrent(api: Api, { history, waiting }: Pending, context: CallContext): Promise<void> {
  const { revision } = waiting
  try {
    await makeCurrent(api, history, revision, context)
  } catch (error) {
    // Refused, though an attempt before was not answered: that one may have done it.
    if (!isConflict(error) || !isOpen(error)) throw error
    const [after] = await Promise.allSettled([findHistory(api, history.arn, context)])
    if (after.status === 'rejected' || !becameCurrent(after.value, revision)) throw error
  }
}

/** AWS has a secret's first version as current already: it shows with its number, if AWSCURRENT is still there, and for good when that is known. */
async function requireStillFirst(api: Api, { history, waiting, number }: Pending, context: CallContext): Promise<void> {
  const { revision } = waiting
  const [after] = await Promise.allSettled([findHistory(api, history.arn, context)])
  if (after.status === 'rejected') throw withOpenEffect(after.reason)
  if (after.value?.current?.revision === revision) return
  await Promise.allSettled([removeLabel(api, history, { label: versionLabel(number), revision }, context)])
  throw conflict('another version became current meanwhile', stageAnew)
}

/** Its number stays used: `staged-<n>` stays with it until newer versions push it out. */
async function discard(api: Api, path: string, receipt: WriteReceipt, context: CallContext): Promise<void> {
  const { history, waiting, number } = await pendingOf(api, path, receipt, context)
  const { revision } = waiting
  if (madeNumberOf(waiting.labels) !== undefined) await removeLabel(api, history, { label: versionLabel(number), revision }, context)
  await removeLabel(api, history, { label: pending, revision }, context)
}

interface Pending {
  readonly history: History
  readonly waiting: LabelledVersion
  readonly number: number
}

async function pendingOf(api: Api, path: string, receipt: WriteReceipt, context: CallContext): Promise<Pending> {
  assertPath(path)
  const history = await findHistory(api, path, context)
  const waiting = history?.pending
  const number = waiting && stagedNumberOf(waiting.labels)
  if (history === undefined || waiting === undefined || number === undefined) throw conflict('no version is pending')
  if (!isNamedBy(receipt, { revision: waiting.revision, version: number })) throw conflict(`the pending version is ${number}`)
  return { history, waiting, number }
}
