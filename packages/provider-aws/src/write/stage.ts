import type { CallContext, NewStagedSecret, StagedReceipt } from '@finchat/secrets-core'
import { checkedNote } from '@finchat/secrets-core/provider'
import { labelsOf } from '../model/answers.ts'
import type { Api } from '../client/api.ts'
import { settle } from '../client/settle.ts'
import { hasUnknownEffect, withUnknownEffect } from '../errors/store-error.ts'
import { type History, historyOf, holderOf } from '../model/history.ts'
import { type CheckedSecret, assertPath, checkSecret } from '../model/input.ts'
import { pending, stagedLabel, stagedNumberOf, unreleased, versionIdOf } from '../model/labels.ts'
import { hasNote, noteLabels } from '../model/note.ts'
import { conflict, planWrite } from './plan.ts'
import { prepare, tagAfterwards, targetOf } from './put.ts'
import { addVersion, findHistory, isConflict, moveLabel } from './versions.ts'

interface CheckedStaged extends CheckedSecret {
  readonly note: ReturnType<typeof checkedNote>
}

/** Stages a version, or finds it staged, as after a lost answer. Never replaces another. */
export async function stage(
  api: Api,
  kmsKeyId: string | undefined,
  path: string,
  secret: NewStagedSecret,
  context: CallContext,
): Promise<StagedReceipt> {
  assertPath(path)
  const checked = { ...checkSecret(secret), note: checkedNote(secret.note) }
  const target = await targetOf(api, kmsKeyId, path, checked, context)
  const { history } = target
  const receipt =
    history.pending === undefined ? await stageNew(api, history, checked, context) : await stageAgain(api, history, checked, context)
  await tagAfterwards(api, target, checked, context)
  return receipt
}

async function stageNew(api: Api, found: History, secret: CheckedStaged, context: CallContext): Promise<StagedReceipt> {
  planWrite({ ...found, unfinished: undefined }, secret) // a conflict leaves no placeholder
  const history = await withCurrent(api, found, context)
  const plan = planWrite({ ...history, unfinished: undefined }, secret)
  const { number } = plan
  const own = [stagedLabel(number), ...noteLabels(number, secret.note)]
  await prepare(api, history, plan, [pending, ...own], context)
  const { revision, labels } = await addVersion(api, history, number, secret.content, own, context)
  const isOurs = (held: readonly string[]): boolean => held.includes(stagedLabel(number)) && hasNote(held, number, secret.note)
  // Another process may have put this content under the number: by a write, or with another note.
  if (!isOurs(labels) && !isOurs(await labelsNow(api, history, revision, context))) throw alreadyPending()
  return makePending(api, history, { version: number, revision, attempt: number }, secret, context)
}

async function labelsNow(api: Api, { arn }: History, revision: string, context: CallContext): Promise<readonly string[]> {
  const now = await findHistory(api, arn, context)
  return now?.versions.find((each) => each.revision === revision)?.labels ?? []
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
async function makePending(
  api: Api,
  history: History,
  receipt: StagedReceipt & { readonly revision: string },
  secret: CheckedStaged,
  context: CallContext,
): Promise<StagedReceipt> {
  const { revision } = receipt
  try {
    await moveLabel(api, history, { label: pending, revision }, holderOf(history, pending)?.revision, context)
    return receipt
  } catch (error) {
    if (!isConflict(error)) throw error
    const after = await settle(findHistory(api, history.arn, context))
    const there = after.status === 'fulfilled' ? after.value : undefined
    if (there?.pending?.revision === revision) return receipt
    const standing = there && (await standingReceipt(api, there, secret, context))
    if (standing !== undefined) return standing
    throw hasUnknownEffect(error) ? withUnknownEffect(alreadyPending()) : alreadyPending()
  }
}

async function stageAgain(api: Api, history: History, secret: CheckedStaged, context: CallContext): Promise<StagedReceipt> {
  const receipt = await standingReceipt(api, history, secret, context)
  // Never replaced: its value may already be set at its target.
  if (receipt === undefined) throw alreadyPending()
  planWrite({ ...history, unfinished: undefined }, { ifCurrent: secret.ifCurrent })
  return receipt
}

/**
 * The receipt of the pending version, if it has this value and note. AWS compares the value: it
 * ignores a PutSecretValue with the same token and content, and refuses one with other content.
 */
async function standingReceipt(
  api: Api,
  history: History,
  secret: CheckedStaged,
  context: CallContext,
): Promise<StagedReceipt | undefined> {
  const { pending: waiting } = history
  const number = waiting && stagedNumberOf(waiting.labels)
  if (number === undefined || waiting?.revision !== versionIdOf(history.arn, number)) return undefined
  if ((secret.version ?? number) !== number || !hasNote(waiting.labels, number, secret.note)) return undefined
  const again = await settle(addVersion(api, history, number, secret.content, [stagedLabel(number)], context))
  if (again.status === 'fulfilled') return { version: number, revision: again.value.revision, attempt: number }
  if (isConflict(again.reason)) return undefined
  throw again.reason
}

function alreadyPending(): Error {
  return conflict('a version is pending already', 'promote it or discard it')
}
