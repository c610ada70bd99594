import type { CallContext, SecretProvider, StagedSecret } from '@finchat/secrets-core'
import { assertVersionNumber, undefinedOn } from '@finchat/secrets-core/provider'
import { type AnsweredVersion, unexpectedAnswer, releasedVersion, versionOf } from '../model/answers.ts'
import type { Api } from '../client/api.ts'
import { current, isInUse, isUnproven, madeNumberOf, pending, previous, stagedNumberOf, versionLabel } from '../model/labels.ts'
import { assertPath } from '../model/input.ts'
import { noteOf } from '../model/note.ts'

export type ReadOne = SecretProvider['get']

/** Reads the current version. */
export function readOne(api: Api): ReadOne {
  return async (path, context) => {
    assertPath(path)
    return (await fetchVersion(api, path, current, context))?.secret
  }
}

/** Reads a version by its label; `previous` is AWSPREVIOUS. */
export function readVersion(api: Api): NonNullable<SecretProvider['getVersion']> {
  return async (path, version, context) => {
    assertPath(path)
    if (version === 'previous') return (await fetchVersion(api, path, previous, context))?.secret
    assertVersionNumber(version)
    const found = await fetchVersion(api, path, versionLabel(version), context)
    return found && (await wasCurrent(api, path, found, version, context)) ? { ...found.secret, version } : undefined
  }
}

/** The pending version, unless it was promoted already: AWSPENDING may stay on it. */
export async function readPending(api: Api, path: string, context: CallContext): Promise<StagedSecret | undefined> {
  const found = await fetchLabelled(api, path, pending, context)
  if (found === undefined) return undefined
  const number = madeNumberOf(found.labels)
  const isDone = number === undefined ? isInUse(found.labels) : await wasCurrent(api, path, found, number, context)
  return isDone ? undefined : stagedSecret(found)
}

/** A version that another tool put under AWSPENDING has no attempt. */
function stagedSecret({ secret, labels, createdAt }: AnsweredVersion): StagedSecret {
  const { value, version, revision } = secret
  return { value, version, revision, attempt: stagedNumberOf(labels), stagedAt: createdAt, note: noteOf(labels) }
}

function fetchVersion(api: Api, path: string, label: string, context: CallContext): Promise<AnsweredVersion | undefined> {
  return fetchLabelled(api, path, label, context).then((answered) => answered && releasedVersion(answered))
}

function fetchLabelled(api: Api, path: string, label: string, context: CallContext): Promise<AnsweredVersion | undefined> {
  const input = label === current ? { SecretId: path } : { SecretId: path, VersionStage: label }
  const version = api.call('GetSecretValue', input, context).then((answer) => {
    const answered = versionOf(answer)
    // An endpoint without labels would answer with the current version.
    if (label !== current && !answered.labels.includes(label)) throw unexpectedAnswer()
    return answered
  })
  return unlessMissing(version)
}

/**
 * A version that was put and never current still has `put-<n>`. Writers without `put-<n>` left only
 * the number: a used number is not above the current or the previous one. If those have no number,
 * the older version was created first.
 */
async function wasCurrent(api: Api, path: string, found: AnsweredVersion, number: number, context: CallContext): Promise<boolean> {
  if (isInUse(found.labels)) return true
  if (isUnproven(found.labels)) return false
  const now = await fetchVersion(api, path, current, context)
  if (now?.secret.version !== undefined && number <= now.secret.version) return true
  const before = await fetchVersion(api, path, previous, context)
  if (before?.secret.version !== undefined) return number <= before.secret.version
  if (now?.secret.version !== undefined) return false
  return now?.createdAt !== undefined && found.createdAt !== undefined && found.createdAt <= now.createdAt
}

/** `undefined` if AWS answered that the secret or its version does not exist. */
export function unlessMissing<T>(answer: Promise<T>): Promise<T | undefined> {
  return undefinedOn('NOT_FOUND', answer)
}
