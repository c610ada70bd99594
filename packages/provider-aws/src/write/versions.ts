import { type CallContext, SecretsError } from '@finchat/secrets-core'
import { deleted, labelsByIdOf, labelsOf } from '../model/answers.ts'
import type { Api } from '../client/api.ts'
import { settle } from '../client/concurrency.ts'
import { type Attachment, type History, historyOf, leftoversOf } from '../model/history.ts'
import { current, isInUse, putLabel, versionIdOf, versionLabel } from '../model/labels.ts'
import type { CheckedSecret } from '../model/input.ts'
import { unlessMissing } from '../read/get.ts'
import { conflict, labelsToDrop, overtakenLabels } from './plan.ts'

/** The versions of a secret that is ours to write; `undefined` where there is none. */
export async function findHistory(api: Api, path: string, context: CallContext): Promise<History | undefined> {
  const secret = await unlessMissing(api.call('DescribeSecret', { SecretId: path }, context))
  if (secret === undefined) return undefined
  if (secret.DeletedDate !== undefined) throw deleted()
  if (secret.RotationEnabled === true || secret.OwningService !== undefined) throw rotatedByAws()
  return historyOf(secret.ARN, labelsByIdOf(secret.VersionIdsToStages))
}

/** Gives a label to a version that may have it already. AWS refuses where another version has it. */
export async function attachLabel(api: Api, history: History, attachment: Attachment, context: CallContext): Promise<void> {
  await moveLabel(api, history, attachment, undefined, context)
}

/** The same, from the version that has it now: AWS refuses the move where another one has it. */
export async function moveLabel(
  api: Api,
  { arn }: History,
  { label, revision }: Attachment,
  from: string | undefined,
  context: CallContext,
): Promise<void> {
  const source = from === undefined ? {} : { RemoveFromVersionId: from }
  await api.call('UpdateSecretVersionStage', { SecretId: arn, VersionStage: label, MoveToVersionId: revision, ...source }, context)
}

/** The most between `put-<n>` and `v<n>`. Later, other writers may have removed `put-<n>` to make room. */
const longestGapMs = 60_000

/** Gives its number to a version that got `put-<n>` within the last minute, and to no other. */
export async function attachNumber(
  api: Api,
  history: History,
  { version, revision }: { readonly version: number; readonly revision: string },
  msSincePut: () => number,
  context: CallContext,
): Promise<void> {
  if (msSincePut() > longestGapMs)
    throw new SecretsError('DEADLINE_EXCEEDED', 'the process stood still for more than a minute in the middle of the write', {
      remedy: 'read the current version and decide again',
    })
  await attachLabel(api, history, { label: versionLabel(version), revision }, context)
}

/** By both clocks: the monotonic one stands still while the machine sleeps, the other may be set back. */
export function stopwatch(): () => number {
  const [monotonic, wall] = [performance.now(), Date.now()]
  return () => Math.max(performance.now() - monotonic, Date.now() - wall)
}

export async function removeLabel(api: Api, { arn }: History, { label, revision }: Attachment, context: CallContext): Promise<void> {
  await api.call('UpdateSecretVersionStage', { SecretId: arn, VersionStage: label, RemoveFromVersionId: revision }, context)
}

/** Makes room for labels that are to be added. One that another writer has taken away meanwhile is away. */
export async function makeRoom(api: Api, history: History, added: readonly string[], context: CallContext): Promise<void> {
  for (const dropped of labelsToDrop(history, added)) {
    const removal = await settle(removeLabel(api, history, dropped, context))
    if (removal.status === 'rejected' && !isConflict(removal.reason)) throw removal.reason
  }
}

/** Does what a writer left undone that stopped just after its version became current: later nothing would prove that it was. */
export async function finishEarlier(api: Api, history: History, context: CallContext): Promise<History> {
  const leftovers = leftoversOf(history)
  if (leftovers.length === 0) return history
  for (const each of leftovers) await Promise.allSettled([removeLabel(api, history, each, context)])
  return (await findHistory(api, history.arn, context)) ?? history
}

/** Adds a version with these labels, under the id that its number has. Says whether AWS made it current, as it does with a secret's first. */
export async function addVersion(
  api: Api,
  { arn }: History,
  number: number,
  content: CheckedSecret['content'],
  labels: readonly string[],
  context: CallContext,
): Promise<{ readonly revision: string; readonly isCurrent: boolean }> {
  const revision = versionIdOf(arn, number)
  const input = { SecretId: arn, ClientRequestToken: revision, VersionStages: [...labels], ...content }
  const put = await settle(api.call('PutSecretValue', input, context))
  if (put.status === 'fulfilled') return { revision, isCurrent: labelsOf(put.value.VersionStages).includes(current) }
  throw isConflict(put.reason) ? conflict(`version ${number} was just written by somebody else; the next is ${number + 1}`) : put.reason
}

/**
 * Moves AWSCURRENT from the version that the write is based on, and from no other: AWS refuses the move where another writer was faster, so that a
 * delayed one never puts an older version in the place of a newer. AWSPREVIOUS follows by itself.
 */
export async function makeCurrent(api: Api, history: History, revision: string, context: CallContext): Promise<void> {
  await moveLabel(api, history, { label: current, revision }, history.holder?.revision, context)
}

/** Whether AWSCURRENT came to this version: it is there, or was until somebody else moved it on. */
export function becameCurrent(history: History | undefined, revision: string): boolean {
  return history?.versions.some((each) => each.revision === revision && isInUse(each.labels)) ?? false
}

/** The version is current: from now on its number is known to be right, and those that it overtook never will be. */
export async function settleNumbers(api: Api, history: History, number: number, revision: string, context: CallContext): Promise<void> {
  const labels = [{ label: putLabel(number), revision }, ...overtakenLabels(history, number)]
  const drops = labels.map((label) => removeLabel(api, history, label, context))
  await Promise.allSettled(drops) // the write itself is done
}

/** Settles as a write does; one that finds its secret gone lost to somebody who removed it. */
export async function whileThere<T>(write: Promise<T>): Promise<T> {
  try {
    return await write
  } catch (error) {
    if (!SecretsError.isInstance(error) || error.code !== 'NOT_FOUND') throw error
    throw new SecretsError('VERSION_CONFLICT', 'the secret was removed by somebody else meanwhile', { ...error, remedy: 'write it anew' })
  }
}

export function isConflict(error: unknown): error is SecretsError {
  return SecretsError.isInstance(error) && error.code === 'VERSION_CONFLICT'
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
