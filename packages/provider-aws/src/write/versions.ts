import { type CallContext, SecretsError } from '@finchat/secrets-core'
import { hasCode } from '@finchat/secrets-core/provider'
import { deleted, labelsByIdOf, labelsOf } from '../model/answers.ts'
import type { Api } from '../client/api.ts'
import { settle } from '../client/settle.ts'
import { type Attachment, type History, historyOf, leftoversOf } from '../model/history.ts'
import { current, isInUse, versionIdOf, versionLabel } from '../model/labels.ts'
import type { CheckedSecret } from '../model/input.ts'
import { unlessMissing } from '../read/get.ts'
import { conflict, labelsToDrop, overtakenLabels } from './plan.ts'

/** The versions of a writable secret; `undefined` if it does not exist. */
export async function findHistory(api: Api, path: string, context: CallContext): Promise<History | undefined> {
  const secret = await unlessMissing(api.call('DescribeSecret', { SecretId: path }, context))
  if (secret === undefined) return undefined
  if (secret.DeletedDate !== undefined) throw deleted()
  if (secret.RotationEnabled === true || secret.OwningService !== undefined) throw rotatedByAws()
  return historyOf(secret.ARN, labelsByIdOf(secret.VersionIdsToStages))
}

/** AWS refuses if another version has the label. Resolves to the time of AWS's answer. */
export function attachLabel(api: Api, history: History, attachment: Attachment, context: CallContext): Promise<number | undefined> {
  return moveLabel(api, history, attachment, undefined, context)
}

/** Moves a label; AWS refuses if `from` does not have it. */
export async function moveLabel(
  api: Api,
  { arn }: History,
  { label, revision }: Attachment,
  from: string | undefined,
  context: CallContext,
): Promise<number | undefined> {
  const source = from === undefined ? {} : { RemoveFromVersionId: from }
  const move = { SecretId: arn, VersionStage: label, MoveToVersionId: revision, ...source }
  return (await api.call('UpdateSecretVersionStage', move, context)).answeredAt
}

/** Later, other writers may have removed `put-<n>` to make room. */
const longestGapMs = 60_000

/** Only within a minute after `put-<n>`. */
export async function attachNumber(
  api: Api,
  history: History,
  { version, revision }: { readonly version: number; readonly revision: string },
  msSincePut: () => number,
  context: CallContext,
): Promise<void> {
  if (msSincePut() > longestGapMs)
    throw new SecretsError('DEADLINE_EXCEEDED', 'the process was frozen for more than a minute during the write', {
      remedy: 'read the current version and decide again',
    })
  await attachLabel(api, history, { label: versionLabel(version), revision }, context)
}

/** By both clocks: the monotonic one stops while the machine sleeps, the other may be set back. */
export function stopwatch(): () => number {
  const [monotonic, wall] = [performance.now(), Date.now()]
  return () => Math.max(performance.now() - monotonic, Date.now() - wall)
}

export async function removeLabel(api: Api, { arn }: History, { label, revision }: Attachment, context: CallContext): Promise<void> {
  await api.call('UpdateSecretVersionStage', { SecretId: arn, VersionStage: label, RemoveFromVersionId: revision }, context)
}

/** A label that another process removed meanwhile is fine. */
export async function removeIfThere(api: Api, history: History, attachment: Attachment, context: CallContext): Promise<void> {
  const removal = await settle(removeLabel(api, history, attachment, context))
  if (removal.status === 'rejected' && !isConflict(removal.reason)) throw removal.reason
}

export async function makeRoom(api: Api, history: History, added: readonly string[], context: CallContext): Promise<void> {
  for (const dropped of labelsToDrop(history, added)) await removeIfThere(api, history, dropped, context)
}

/**
 * Completes a writer that stopped just after its version became current: later nothing would prove
 * it.
 */
export async function finishEarlier(api: Api, history: History, context: CallContext): Promise<History> {
  const leftovers = leftoversOf(history)
  if (leftovers.length === 0) return history
  for (const each of leftovers) await Promise.allSettled([removeLabel(api, history, each, context)])
  return (await findHistory(api, history.arn, context)) ?? history
}

/**
 * Adds a version under the id of its number, or finds it there with this content. Resolves to its
 * labels: AWS makes a first version current by itself.
 */
export async function addVersion(
  api: Api,
  { arn }: History,
  number: number,
  content: CheckedSecret['content'],
  labels: readonly string[],
  context: CallContext,
): Promise<{ readonly revision: string; readonly labels: readonly string[] }> {
  const revision = versionIdOf(arn, number)
  const input = { SecretId: arn, ClientRequestToken: revision, VersionStages: [...labels], ...content }
  const put = await settle(api.call('PutSecretValue', input, context))
  if (put.status === 'fulfilled') return { revision, labels: labelsOf(put.value.VersionStages) }
  throw isConflict(put.reason) ? conflict(`version ${number} was just written by another process; the next is ${number + 1}`) : put.reason
}

/**
 * AWS refuses if another writer moved AWSCURRENT, so a delayed write never replaces a newer
 * version. AWSPREVIOUS follows.
 */
export async function makeCurrent(api: Api, history: History, revision: string, context: CallContext): Promise<void> {
  await moveLabel(api, history, { label: current, revision }, history.holder?.revision, context)
}

/** Whether the version is or was current. */
export function becameCurrent(history: History | undefined, revision: string): boolean {
  return history?.versions.some((each) => each.revision === revision && isInUse(each.labels)) ?? false
}

/** Removes labels that the now current version makes obsolete: its own, and those of others. */
export async function settleNumbers(
  api: Api,
  history: History,
  number: number,
  own: readonly Attachment[],
  context: CallContext,
): Promise<void> {
  const drops = [...own, ...overtakenLabels(history, number)].map((label) => removeLabel(api, history, label, context))
  await Promise.allSettled(drops) // the write itself is done
}

/** A secret that disappears during a write is a lost race. */
export async function whileThere<T>(write: Promise<T>): Promise<T> {
  try {
    return await write
  } catch (error) {
    if (!hasCode(error, 'NOT_FOUND')) throw error
    throw new SecretsError('VERSION_CONFLICT', 'another process removed the secret meanwhile', { ...error, remedy: 'write it again' })
  }
}

export function isConflict(error: unknown): error is SecretsError {
  return hasCode(error, 'VERSION_CONFLICT')
}

function rotatedByAws(): SecretsError {
  return new SecretsError(
    'CONFIGURATION',
    'the secret is rotated by AWS or owned by another AWS service: a version written by hand would be lost',
    {
      remedy: 'start its rotation with startManagedRotation(), or turn its rotation off in AWS',
    },
  )
}
