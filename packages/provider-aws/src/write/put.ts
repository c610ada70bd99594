import { type CallContext, type NewSecret, SecretsError, type WriteReceipt } from '@finchat/secrets-core'
import type { Api } from '../client/api.ts'
import { settle } from '../client/concurrency.ts'
import { type History, historyOf } from '../model/history.ts'
import { current, putLabel, versionLabel } from '../model/labels.ts'
import { isSecretName } from '../model/limits.ts'
import { assertPath, type CheckedSecret, checkSecret } from '../model/input.ts'
import { withDetails, hasUnknownEffect, withUnknownEffect } from '../errors/store-error.ts'
import { setTags } from './tags.ts'
import {
  addVersion,
  attachLabel,
  attachNumber,
  becameCurrent,
  findHistory,
  finishEarlier,
  isConflict,
  makeCurrent,
  makeRoom,
  settleNumbers,
  stopwatch,
} from './versions.ts'
import { conflict, planWrite, type WritePlan } from './plan.ts'

export interface Target {
  readonly history: History
  readonly isTagged: boolean
}

/**
 * Makes this the current version in four steps, described in docs/aws.md. A writer that stops
 * before AWSCURRENT moves has changed no answer, and repeating the write completes it.
 */
export async function put(
  api: Api,
  kmsKeyId: string | undefined,
  path: string,
  secret: NewSecret,
  context: CallContext,
): Promise<WriteReceipt> {
  assertPath(path)
  const checked = checkSecret(secret)
  const target = await targetOf(api, kmsKeyId, path, checked, context)
  const receipt = await writeCurrent(api, target.history, checked, context)
  await tagAfterwards(api, target, checked, context)
  return receipt
}

async function writeCurrent(api: Api, history: History, secret: CheckedSecret, context: CallContext): Promise<WriteReceipt> {
  const plan = planWrite(history, secret)
  await prepare(api, history, plan, [versionLabel(plan.number), putLabel(plan.number)], context)
  const msSincePut = stopwatch()
  const { version, revision, isCurrent } = await addNumbered(api, history, plan, secret, context)
  if (!isCurrent) await complete(api, history, { version, revision, msSincePut }, context)
  await settleNumbers(api, history, version, [{ label: putLabel(version), revision }], context)
  return { version, revision }
}

/**
 * PutSecretValue moves a label, so `v<n>` is set only on a first version, which AWS makes current.
 */
function labelsOfPut({ versions }: History, number: number): string[] {
  return versions.length === 0 ? [versionLabel(number), putLabel(number)] : [putLabel(number)]
}

/** Makes room for new labels, and gives a number to a current version that another tool wrote. */
export async function prepare(
  api: Api,
  history: History,
  { currentBecomes }: WritePlan,
  labels: readonly string[],
  context: CallContext,
): Promise<void> {
  const { current: now } = history
  const number = now && currentBecomes !== undefined ? { label: versionLabel(currentBecomes), revision: now.revision } : undefined
  await makeRoom(api, history, [...(number ? [number.label] : []), ...labels], context)
  if (number) await attachLabel(api, history, number, context)
}

interface Added {
  readonly version: number
  readonly revision: string
  readonly isCurrent: boolean
}

async function addNumbered(api: Api, history: History, plan: WritePlan, secret: CheckedSecret, context: CallContext): Promise<Added> {
  const add = async (version: number): Promise<Added> => {
    const { revision, labels } = await addVersion(api, history, version, secret.content, labelsOfPut(history, version), context)
    return { version, revision, isCurrent: labels.includes(current) }
  }
  try {
    return await add(plan.number)
  } catch (error) {
    // The unfinished version of this number has other content.
    if (!plan.resumes || secret.version !== undefined || !isConflict(error)) throw error
    const number = plan.number + 1
    await makeRoom(api, history, [versionLabel(number), putLabel(number)], context)
    return add(number)
  }
}

interface Unfinished {
  readonly version: number
  readonly revision: string
  readonly msSincePut: () => number
}

/**
 * AWS made a first version current when it was put, perhaps by an unanswered attempt. If it is not
 * current now, another writer replaced it: nothing after that can be told as refused.
 */
async function complete(api: Api, history: History, added: Unfinished, context: CallContext): Promise<void> {
  try {
    await becomeCurrent(api, history, added, context)
  } catch (error) {
    throw history.versions.length === 0 ? withUnknownEffect(error) : error
  }
}

async function becomeCurrent(
  api: Api,
  history: History,
  { version, revision, msSincePut }: Unfinished,
  context: CallContext,
): Promise<void> {
  try {
    await attachNumber(api, history, { version, revision }, msSincePut, context)
  } catch (error) {
    throw isConflict(error)
      ? conflict(`number ${version} was just given to another version; the next is ${version + 1}`)
      : unfinished(error, version)
  }
  try {
    await makeCurrent(api, history, revision, context)
  } catch (error) {
    if (!isConflict(error)) throw unfinished(error, version)
    await requireCurrent(api, history, { version, revision }, error, context)
  }
}

/** A refused move looks like the SDK's repetition after a lost answer. */
async function requireCurrent(
  api: Api,
  history: History,
  { version, revision }: Pick<Added, 'version' | 'revision'>,
  error: SecretsError,
  context: CallContext,
): Promise<void> {
  const after = await settle(findHistory(api, history.arn, context))
  if (after.status === 'rejected') throw hasUnknownEffect(error) ? unfinished(withUnknownEffect(after.reason), version) : error
  if (becameCurrent(after.value, revision)) return
  const now = after.value?.current
  const lost = conflict(`version ${now?.version ?? '(without a number)'} became current meanwhile; version ${version} did not`)
  // The number stays: another process may have completed this very write.
  throw hasUnknownEffect(error) ? withUnknownEffect(lost) : lost
}

function unfinished(error: unknown, version: number): unknown {
  if (!SecretsError.isInstance(error)) return error
  const completion = `write it again as version ${version} to complete it`
  if (hasUnknownEffect(error)) return withDetails(error, { remedy: `version ${version} is stored and may not be current: ${completion}` })
  const first = error.remedy === undefined ? '' : `${error.remedy}; `
  return withDetails(error, { remedy: `${first}version ${version} is stored and not current: ${completion}` })
}

/**
 * Finds the secret, or creates it without a value: it is not readable before its first version has
 * a number.
 */
export async function targetOf(
  api: Api,
  kmsKeyId: string | undefined,
  path: string,
  secret: CheckedSecret,
  context: CallContext,
): Promise<Target> {
  const isTagged = Object.keys(secret.tags).length === 0
  const history = await findHistory(api, path, context)
  if (history !== undefined) return { history: await finishEarlier(api, history, context), isTagged }
  planWrite(historyOf('', {}), secret) // a conflict creates nothing
  const created = await create(api, kmsKeyId, path, secret, context)
  if (created !== undefined) return { history: historyOf(created, {}), isTagged: true }
  // Another writer created it.
  const theirs = await findHistory(api, path, context)
  if (theirs === undefined) throw conflict('another process created and removed the secret meanwhile')
  return { history: theirs, isTagged }
}

async function create(
  api: Api,
  kmsKeyId: string | undefined,
  path: string,
  { tags }: CheckedSecret,
  context: CallContext,
): Promise<string | undefined> {
  if (!isSecretName(path)) {
    throw new SecretsError('CONFIGURATION', 'there is no secret with this ARN, and an ARN cannot be chosen', {
      remedy: 'write to a name instead',
    })
  }
  const Tags = Object.entries(tags).flatMap(([Key, Value]) => (Value === null ? [] : [{ Key, Value }]))
  const input = { Name: path, ...(Tags.length > 0 && { Tags }), ...(kmsKeyId !== undefined && { KmsKeyId: kmsKeyId }) }
  try {
    return (await api.call('CreateSecret', input, context)).ARN
  } catch (error) {
    if (isConflict(error)) return undefined
    throw error
  }
}

/** Tags follow the version: a refused write changes none. */
export async function tagAfterwards(api: Api, { history, isTagged }: Target, { tags }: CheckedSecret, context: CallContext): Promise<void> {
  if (isTagged) return
  try {
    await setTags(api, history.arn, tags, context)
  } catch (error) {
    if (!SecretsError.isInstance(error)) throw error
    throw withDetails(error, { effect: 'done', remedy: 'the version is written: set its tags again' })
  }
}
