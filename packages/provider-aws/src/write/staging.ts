import type { CallContext, Staging, WriteReceipt } from '@finchat/secrets-core'
import type { Api } from '../client/api.ts'
import { settle } from '../client/settle.ts'
import { type History, holderOf, type LabelledVersion } from '../model/history.ts'
import { assertPath } from '../model/input.ts'
import { claimLabel, madeNumberOf, pending, versionLabel } from '../model/labels.ts'
import { isNote } from '../model/note.ts'
import { readPending } from '../read/get.ts'
import { conflict } from './plan.ts'
import { promote } from './promote.ts'
import { stage } from './stage.ts'
import { attachLabel, findHistory, isConflict, makeRoom, removeIfThere, removeLabel, whileThere } from './versions.ts'
import { discardedOf, isOvertaken, notPending, type Waiting, waitingOf } from './waiting.ts'

/** One version at a time waits under AWSPENDING, AWS's own label. */
export function staging(api: Api, kmsKeyId: string | undefined): Staging {
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

/** The number stays used: `staged-<n>` stays until newer versions displace it. */
async function discard(api: Api, path: string, receipt: WriteReceipt, context: CallContext): Promise<void> {
  assertPath(path)
  const history = await findHistory(api, path, context)
  const waits = waitingOf(history, receipt)
  if (waits === undefined) {
    const before = discardedOf(history, receipt)
    if (history === undefined || before === undefined) throw notPending(history)
    return removeNote(api, history, before, context)
  }
  if (isOvertaken(waits) || (await claimForDiscard(api, waits, receipt, context)) === 'claimed')
    await withdraw(api, waits, receipt, context)
}

/** The next write removes what is left. */
async function removeNote(api: Api, history: History, { revision, labels }: LabelledVersion, context: CallContext): Promise<void> {
  await Promise.allSettled(labels.filter(isNote).map((label) => removeLabel(api, history, { label, revision }, context)))
}

/**
 * AWS gives the claim to one version only, so no promotion follows. It stays until a newer version
 * is current.
 */
async function claimForDiscard(
  api: Api,
  { history, waiting, number }: Waiting,
  receipt: WriteReceipt,
  context: CallContext,
): Promise<'claimed' | 'discarded'> {
  const label = claimLabel(number)
  const claimed = holderOf(history, label)
  if (claimed?.revision === waiting.revision) throw promotionBegan()
  if (claimed !== undefined || history.holder === undefined) return 'claimed'
  await makeRoom(api, history, [label], context)
  await attachLabel(api, history, { label, revision: history.holder.revision }, context).catch((error: unknown) => {
    throw isConflict(error) ? promotionBegan() : error
  })
  // A finished promotion has given up the claim. AWS does not document its answer for a label that
  // is nowhere.
  const now = await findHistory(api, history.arn, context)
  if (now?.pending?.revision === waiting.revision) return 'claimed'
  if (discardedOf(now, receipt) !== undefined) return 'discarded'
  throw conflict('the version is not pending any more')
}

async function withdraw(api: Api, { history, waiting, number }: Waiting, receipt: WriteReceipt, context: CallContext): Promise<void> {
  const { revision, labels } = waiting
  // Of a promotion that stopped. Its time stays: that promotion may go on, and a later one would
  // date the version too late.
  if (madeNumberOf(labels) !== undefined) await removeIfThere(api, history, { label: versionLabel(number), revision }, context)
  try {
    await removeLabel(api, history, { label: pending, revision }, context)
  } catch (error) {
    if (!isConflict(error)) throw error
    // An earlier attempt without an answer, or another process, may have removed it.
    const after = await settle(findHistory(api, history.arn, context))
    if (after.status === 'rejected' || discardedOf(after.value, receipt) === undefined) throw error
  }
  await removeNote(api, history, waiting, context)
}

function promotionBegan(): Error {
  return conflict('its promotion has begun', 'promote it again to complete that, or write a newer version, and then discard it')
}
