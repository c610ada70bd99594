import { type CallContext, type NewSecret, SecretsError, type WriteReceipt } from '@finchat/secrets-core'
import type { Api } from './api.ts'
import { type History, historyOf } from './history.ts'
import { versionLabel } from './labels.ts'
import { isSecretName } from './limits.ts'
import { assertPath, type CheckedSecret, checkedSecret } from './new-secret.ts'
import { amended } from './store-error.ts'
import { setTags } from './tags.ts'
import { addVersion, attachLabel, dropOvertaken, findHistory, isConflict, makeCurrent, makeRoom } from './versions.ts'
import { conflict, planWrite, type WritePlan } from './write-plan.ts'

/** A secret that is there to be written to, and whether its tags are set already. */
export interface Target {
  readonly history: History
  readonly isTagged: boolean
}

/**
 * Makes this the current version, in steps of which the last decides: a version with its number and no other label, then AWSCURRENT from the
 * version that it is based on. Whoever stops in between has changed no answer, and completes it by writing the same again.
 */
export async function put(
  api: Api,
  kmsKeyId: string | undefined,
  path: string,
  secret: NewSecret,
  context: CallContext,
): Promise<WriteReceipt> {
  assertPath(path)
  const checked = checkedSecret(secret)
  const target = await targetOf(api, kmsKeyId, path, checked, context)
  const receipt = await writeCurrent(api, target.history, checked, context)
  await tagAfterwards(api, target, checked, context)
  return receipt
}

async function writeCurrent(api: Api, history: History, secret: CheckedSecret, context: CallContext): Promise<WriteReceipt> {
  const plan = planWrite(history, secret)
  await prepare(api, history, plan, [versionLabel(plan.number)], context)
  const { version, revision, isCurrent } = await addNumbered(api, history, plan, secret, context)
  if (!isCurrent) await complete(api, history, version, revision, context)
  await dropOvertaken(api, history, version, context)
  return { version, revision }
}

/** Makes room for the labels of a new version; a current version that was not written by us gets a number before it becomes a previous one. */
export async function prepare(
  api: Api,
  history: History,
  { currentBecomes }: WritePlan,
  labels: readonly string[],
  context: CallContext,
): Promise<void> {
  const { current } = history
  const number = current && currentBecomes !== undefined ? { label: versionLabel(currentBecomes), revision: current.revision } : undefined
  await makeRoom(api, history, [...(number ? [number.label] : []), ...labels], context)
  if (number) await attachLabel(api, history, number.label, number.revision, context)
}

interface Added {
  readonly version: number
  readonly revision: string
  readonly isCurrent: boolean
}

async function addNumbered(api: Api, history: History, plan: WritePlan, secret: CheckedSecret, context: CallContext): Promise<Added> {
  const add = async (version: number): Promise<Added> => ({
    version,
    ...(await addVersion(api, history, version, secret.content, [versionLabel(version)], context)),
  })
  try {
    return await add(plan.number)
  } catch (error) {
    // What somebody left unfinished under this number is not what is written now.
    if (!plan.resumes || secret.version !== undefined || !isConflict(error)) throw error
    await makeRoom(api, history, [versionLabel(plan.number + 1)], context)
    return add(plan.number + 1)
  }
}

async function complete(api: Api, history: History, version: number, revision: string, context: CallContext): Promise<void> {
  try {
    await makeCurrent(api, history, revision, context)
  } catch (error) {
    if (!isConflict(error)) throw unfinished(error, version)
    // An answer that was lost, and the SDK's repetition, look the same.
    const [after] = await Promise.allSettled([findHistory(api, history.arn, context)])
    if (after.status === 'rejected') throw unfinished(after.reason, version)
    const now = after.value?.current
    if (now?.revision !== revision)
      throw conflict(`version ${now?.version ?? '(without a number)'} became current meanwhile; version ${version} did not`)
  }
}

function unfinished(error: unknown, version: number): unknown {
  if (!SecretsError.isInstance(error)) return error
  return amended(error, {
    effect: 'unknown',
    remedy: `version ${version} is stored and may not be current: write it again as version ${version} to complete it`,
  })
}

/** The secret to write to, made without a value where there is none: it cannot be read before its first version is there, numbered. */
export async function targetOf(
  api: Api,
  kmsKeyId: string | undefined,
  path: string,
  secret: CheckedSecret,
  context: CallContext,
): Promise<Target> {
  const history = await findHistory(api, path, context)
  if (history !== undefined) return { history, isTagged: Object.keys(secret.tags).length === 0 }
  planWrite(historyOf('', {}), secret) // a conflict creates nothing
  const created = await create(api, kmsKeyId, path, secret, context)
  if (created !== undefined) return { history: historyOf(created, {}), isTagged: true }
  // Somebody else was faster.
  const theirs = await findHistory(api, path, context)
  if (theirs === undefined) throw conflict('the secret was created and removed by somebody else meanwhile')
  return { history: theirs, isTagged: Object.keys(secret.tags).length === 0 }
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
  const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }))
  const input = { Name: path, ...(Tags.length > 0 && { Tags }), ...(kmsKeyId !== undefined && { KmsKeyId: kmsKeyId }) }
  try {
    return (await api.call('CreateSecret', input, context)).ARN
  } catch (error) {
    if (isConflict(error)) return undefined
    throw error
  }
}

/** Tags follow when the version is written: a write that is refused changes none. */
export async function tagAfterwards(api: Api, { history, isTagged }: Target, { tags }: CheckedSecret, context: CallContext): Promise<void> {
  if (isTagged) return
  try {
    await setTags(api, history.arn, tags, context)
  } catch (error) {
    if (!SecretsError.isInstance(error)) throw error
    throw amended(error, { effect: 'done', remedy: 'the version is written: set its tags again' })
  }
}
