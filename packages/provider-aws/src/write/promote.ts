import type { CallContext, WriteReceipt } from '@finchat/secrets-core'
import { matchesReceipt } from '@finchat/secrets-core/provider'
import type { Api } from '../client/api.ts'
import { settle } from '../client/settle.ts'
import { hasUnknownEffect } from '../errors/store-error.ts'
import type { Attachment } from '../model/history.ts'
import { assertPath } from '../model/input.ts'
import { claimLabel, isSince, pending, sinceLabel, stagedLabel, versionLabel } from '../model/labels.ts'
import { isNote } from '../model/note.ts'
import { conflict } from './plan.ts'
import {
  attachLabel,
  attachNumber,
  becameCurrent,
  findHistory,
  finishEarlier,
  isConflict,
  makeCurrent,
  makeRoom,
  removeIfThere,
  settleNumbers,
  stopwatch,
} from './versions.ts'
import { isOvertaken, notPending, type Waiting, waitingOf } from './waiting.ts'

/**
 * Makes the pending version current, unless another version was written since it was staged. If it
 * is current, it was promoted before, perhaps by another process.
 */
export async function promote(api: Api, path: string, receipt: WriteReceipt, context: CallContext): Promise<WriteReceipt> {
  assertPath(path)
  const history = await findHistory(api, path, context)
  const now = history?.current
  if (history !== undefined && now !== undefined && matchesReceipt(receipt, now)) {
    await Promise.allSettled([finishEarlier(api, history, context)])
    return { version: now.version, revision: now.revision }
  }
  const waits = waitingOf(history, receipt)
  if (waits === undefined) throw notPending(history)
  await promoteWaiting(api, waits, context)
  return { version: waits.number, revision: waits.waiting.revision }
}

async function promoteWaiting(api: Api, waits: Waiting, context: CallContext): Promise<void> {
  const { history, number } = waits
  if (isOvertaken(waits)) {
    throw conflict(`version ${history.current?.version ?? '(without a number)'} was written after the pending ${number}`, stageAgain)
  }
  const since = await takeNumber(api, waits, context)
  const isMover = await makePendingCurrent(api, waits, context)
  await settleNumbers(api, history, number, [], context)
  const others = isMover ? waits.waiting.labels.filter((label) => isSince(label) && label !== since) : []
  await Promise.allSettled([endPromotion(api, waits, others, context)]) // the promotion is done; the next write finishes this
}

const stageAgain = 'discard the pending version and stage it again'

/**
 * The claim blocks a discard, and keeps the number unproven until AWSCURRENT moves. Its answer tells
 * AWS's time before that.
 */
async function takeNumber(api: Api, { history, waiting, number }: Waiting, context: CallContext): Promise<string> {
  const { revision } = waiting
  await makeRoom(api, history, [claimLabel(number), sinceLabel(number, 0), versionLabel(number)], context)
  const msSincePut = stopwatch()
  const claimed = attachLabel(api, history, { label: claimLabel(number), revision }, context)
  const claimedAt = await claimed.catch((error: unknown) => {
    throw isConflict(error) ? conflict('another process discards the pending version', 'discard it, and stage it again') : error
  })
  const since = sinceLabel(number, claimedAt ?? 0)
  await attachLabel(api, history, { label: since, revision }, context)
  try {
    await attachNumber(api, history, { version: number, revision }, msSincePut, context)
  } catch (error) {
    throw isConflict(error) && !hasUnknownEffect(error)
      ? conflict(`number ${number} was given to another version meanwhile`, stageAgain)
      : error
  }
  return since
}

/** Resolves to whether it was surely this call that moved AWSCURRENT. */
async function makePendingCurrent(api: Api, { history, waiting }: Waiting, context: CallContext): Promise<boolean> {
  const { revision } = waiting
  try {
    await makeCurrent(api, history, revision, context)
    return true
  } catch (error) {
    // An earlier attempt without an answer, or another process, may have moved it.
    if (!isConflict(error)) throw error
    const after = await settle(findHistory(api, history.arn, context))
    if (after.status === 'rejected') throw error
    const isDone = hasUnknownEffect(error) ? becameCurrent(after.value, revision) : after.value?.current?.revision === revision
    if (!isDone) throw error
    return false
  }
}

/** AWSPENDING goes first: without the claim, a late discard would take the version for its own. */
async function endPromotion(
  api: Api,
  { history, waiting, number }: Waiting,
  otherTimes: readonly string[],
  context: CallContext,
): Promise<void> {
  const { revision, labels } = waiting
  const remove = (label: Attachment['label']): Promise<void> => removeIfThere(api, history, { label, revision }, context)
  await remove(pending)
  const others = [stagedLabel(number), ...labels.filter(isNote), ...otherTimes, claimLabel(number)]
  await Promise.all(others.map(remove))
}
