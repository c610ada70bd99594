import { type CallContext, type NewSecret, type SecretProvider, SecretsError, type WriteReceipt } from '@finchat/secrets-core'
import type { Api } from './api.ts'
import { type History, isNamedBy, type LabelledVersion } from './history.ts'
import { madeNumberOf, pending, stagedLabel, stagedNumberOf, unreleasedLabel, versionLabel } from './labels.ts'
import { assertPath, checkedSecret } from './new-secret.ts'
import { prepare, tagAfterwards, targetOf } from './put.ts'
import { readPending } from './reads.ts'
import { addVersion, attachLabel, dropOvertaken, findHistory, makeCurrent, makeRoom, removeLabel, whileThere } from './versions.ts'
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
  await makeRoom(api, history, [versionLabel(number)], context)
  await attachLabel(api, history, versionLabel(number), waiting.revision, context)
  if (waiting === history.holder) await removeLabel(api, history, pending, waiting.revision, context)
  else await makePendingCurrent(api, history, waiting, context)
  await dropOvertaken(api, history, number, context)
  return { version: number, revision: waiting.revision }
}

async function makePendingCurrent(api: Api, history: History, waiting: LabelledVersion, context: CallContext): Promise<void> {
  try {
    await makeCurrent(api, history, waiting.revision, context)
  } catch (error) {
    // Refused, though an attempt before was not answered: that one may have done it.
    if (!SecretsError.isInstance(error) || error.code !== 'VERSION_CONFLICT' || error.effect !== 'unknown') throw error
    const [after] = await Promise.allSettled([findHistory(api, history.arn, context)])
    if (after.status === 'rejected' || after.value?.current?.revision !== waiting.revision) throw error
  }
  // It is done. A label that stays behind does no harm: AWS leaves it there too, and the next version that is staged takes it.
  await Promise.allSettled([removeLabel(api, history, pending, waiting.revision, context)])
}

/** Its number stays used: `staged-<n>` stays with it until newer versions push it out. */
async function discard(api: Api, path: string, receipt: WriteReceipt, context: CallContext): Promise<void> {
  const { history, waiting, number } = await pendingOf(api, path, receipt, context)
  await removeLabel(api, history, pending, waiting.revision, context)
  if (madeNumberOf(waiting.labels) !== undefined) await removeLabel(api, history, versionLabel(number), waiting.revision, context)
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
