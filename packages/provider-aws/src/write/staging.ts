import { type CallContext, type NewSecret, type SecretProvider, type WriteReceipt } from '@finchat/secrets-core'
import { matchesReceipt } from '@finchat/secrets-core/provider'
import { labelsOf } from '../model/answers.ts'
import type { Api } from '../client/api.ts'
import { settle } from '../client/concurrency.ts'
import { type History, historyOf, holderOf, type LabelledVersion } from '../model/history.ts'
import { claimLabel, madeNumberOf, pending, stagedLabel, stagedNumberOf, unreleased, versionIdOf, versionLabel } from '../model/labels.ts'
import { assertPath, checkSecret } from '../model/input.ts'
import { prepare, tagAfterwards, targetOf } from './put.ts'
import { readPending } from '../read/get.ts'
import { hasUnknownEffect, withUnknownEffect } from '../errors/store-error.ts'
import {
  addVersion,
  attachLabel,
  attachNumber,
  becameCurrent,
  findHistory,
  isConflict,
  makeCurrent,
  makeRoom,
  moveLabel,
  removeLabel,
  settleNumbers,
  stopwatch,
  whileThere,
} from './versions.ts'
import { conflict, planWrite } from './plan.ts'

/** One version at a time waits under AWSPENDING, AWS's own label. */
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
  const checked = checkSecret(secret)
  const found = await targetOf(api, kmsKeyId, path, checked, context)
  // Never replaced: its value may already be set at its target.
  if (found.history.pending !== undefined) throw alreadyPending()
  planWrite({ ...found.history, unfinished: undefined }, checked) // a conflict leaves no placeholder
  const target = { ...found, history: await withCurrent(api, found.history, context) }
  const { history } = target
  const plan = planWrite({ ...history, unfinished: undefined }, checked)
  const label = stagedLabel(plan.number)
  await prepare(api, history, plan, [pending, label], context)
  const { revision } = await addVersion(api, history, plan.number, checked.content, [label], context)
  await makePending(api, history, revision, context)
  await tagAfterwards(api, target, checked, context)
  return { version: plan.number, revision }
}

const standIn = 'No version of this secret was promoted yet.'

/** AWS makes a first version current at once, so a placeholder goes first. */
async function withCurrent(api: Api, history: History, context: CallContext): Promise<History> {
  if (history.versions.length > 0) return history
  const { arn } = history
  const input = { SecretId: arn, ClientRequestToken: versionIdOf(arn, 0), VersionStages: [unreleased], SecretString: standIn }
  const { VersionStages: labels } = await api.call('PutSecretValue', input, context)
  return historyOf(arn, { [input.ClientRequestToken]: labelsOf(labels) })
}

/** PutSecretValue would take AWSPENDING from a version staged meanwhile; the move does not. */
async function makePending(api: Api, history: History, revision: string, context: CallContext): Promise<void> {
  try {
    await moveLabel(api, history, { label: pending, revision }, holderOf(history, pending)?.revision, context)
  } catch (error) {
    if (!isConflict(error)) throw error
    const after = await settle(hasUnknownEffect(error) ? findHistory(api, history.arn, context) : undefined)
    const isDone = after.status === 'fulfilled' && after.value?.pending?.revision === revision
    if (!isDone) throw hasUnknownEffect(error) ? withUnknownEffect(alreadyPending()) : alreadyPending()
  }
}

/** Makes the pending version current, unless another version was written since it was staged. */
async function promote(api: Api, path: string, receipt: WriteReceipt, context: CallContext): Promise<WriteReceipt> {
  const waits = await pendingOf(api, path, receipt, context)
  const { history, waiting, number } = waits
  const { revision } = waiting
  if (isOvertaken(waits)) {
    throw conflict(`version ${history.current?.version ?? '(without a number)'} was written after the pending ${number}`, stageAgain)
  }
  await takeNumber(api, waits, context)
  await makePendingCurrent(api, waits, context)
  await settleNumbers(api, history, number, revision, context)
  await Promise.allSettled([endPromotion(api, waits, context)]) // the promotion is done; the next write finishes this
  return { version: number, revision }
}

const stageAgain = 'discard the pending version and stage it again'

/** AWSCURRENT moves only from the version that it was to follow. */
function isOvertaken({ history: { current: now }, number }: Waiting): boolean {
  return now !== undefined && !(now.version !== undefined && now.version < number)
}

/** The claim blocks a discard, and keeps the number unproven until AWSCURRENT moves. */
async function takeNumber(api: Api, { history, waiting, number }: Waiting, context: CallContext): Promise<void> {
  const { revision } = waiting
  await makeRoom(api, history, [claimLabel(number), versionLabel(number)], context)
  const msSincePut = stopwatch()
  await attachLabel(api, history, { label: claimLabel(number), revision }, context).catch((error: unknown) => {
    throw isConflict(error) ? conflict('another process discards the pending version', 'discard it, and stage it again') : error
  })
  try {
    await attachNumber(api, history, { version: number, revision }, msSincePut, context)
  } catch (error) {
    throw isConflict(error) && !hasUnknownEffect(error)
      ? conflict(`number ${number} was given to another version meanwhile`, stageAgain)
      : error
  }
}

async function makePendingCurrent(api: Api, { history, waiting }: Waiting, context: CallContext): Promise<void> {
  const { revision } = waiting
  try {
    await makeCurrent(api, history, revision, context)
  } catch (error) {
    // An earlier attempt without an answer may have moved it.
    if (!isConflict(error) || !hasUnknownEffect(error)) throw error
    const after = await settle(findHistory(api, history.arn, context))
    if (after.status === 'rejected' || !becameCurrent(after.value, revision)) throw error
  }
}

/** AWSPENDING goes first: without the claim, a late discard would take the version for its own. */
async function endPromotion(api: Api, { history, waiting, number }: Waiting, context: CallContext): Promise<void> {
  const { revision } = waiting
  await removeLabel(api, history, { label: pending, revision }, context)
  await removeLabel(api, history, { label: claimLabel(number), revision }, context)
}

/** The number stays used: `staged-<n>` stays until newer versions displace it. */
async function discard(api: Api, path: string, receipt: WriteReceipt, context: CallContext): Promise<void> {
  const waits = await pendingOf(api, path, receipt, context)
  const { history, waiting, number } = waits
  const { revision } = waiting
  if (!isOvertaken(waits)) await claimForDiscard(api, waits, context)
  if (madeNumberOf(waiting.labels) !== undefined) await removeLabel(api, history, { label: versionLabel(number), revision }, context)
  await removeLabel(api, history, { label: pending, revision }, context)
}

/**
 * AWS gives the claim to one version only, so no promotion follows. It stays until a newer version
 * is current.
 */
async function claimForDiscard(api: Api, { history, waiting, number }: Waiting, context: CallContext): Promise<void> {
  const label = claimLabel(number)
  const claimed = holderOf(history, label)
  if (claimed?.revision === waiting.revision) throw promotionBegan()
  if (claimed !== undefined || history.holder === undefined) return
  await makeRoom(api, history, [label], context)
  await attachLabel(api, history, { label, revision: history.holder.revision }, context).catch((error: unknown) => {
    throw isConflict(error) ? promotionBegan() : error
  })
  // A finished promotion has given up the claim. AWS does not document its answer for a label that
  // is nowhere.
  const now = await findHistory(api, history.arn, context)
  if (now?.pending?.revision !== waiting.revision) throw conflict('the version is not pending any more')
}

function promotionBegan(): Error {
  return conflict('its promotion has begun', 'promote it again to complete that, or write a newer version, and then discard it')
}

function alreadyPending(): Error {
  return conflict('a version is pending already', 'promote it or discard it')
}

interface Waiting {
  readonly history: History
  readonly waiting: LabelledVersion
  readonly number: number
}

async function pendingOf(api: Api, path: string, receipt: WriteReceipt, context: CallContext): Promise<Waiting> {
  assertPath(path)
  const history = await findHistory(api, path, context)
  const waiting = history?.pending
  const number = waiting && stagedNumberOf(waiting.labels)
  if (history === undefined || waiting === undefined || number === undefined) throw conflict('no version is pending')
  if (!matchesReceipt(receipt, { revision: waiting.revision, version: number }))
    throw conflict(`the pending version is ${number}`, 'pass the receipt that staging.put or staging.get returned')
  return { history, waiting, number }
}
