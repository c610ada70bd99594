import { type CallContext, SecretsError, type SecretProvider, type StoredSecret } from '@finchat/secrets-core'
import { assertVersionNumber } from '@finchat/secrets-core/provider'
import { type AnsweredVersion, garbled, releasedVersion, versionOf } from '../model/answers.ts'
import type { Api } from '../client/api.ts'
import { current, isInUse, isUnproven, madeNumberOf, pending, previous, versionLabel } from '../model/labels.ts'
import { assertPath } from '../model/input.ts'

export type ReadOne = SecretProvider['get']

/** Reads the current version by one `GetSecretValue`. */
export function readOne(api: Api): ReadOne {
  return async (path, context) => {
    assertPath(path)
    return (await fetchVersion(api, path, current, context))?.secret
  }
}

/** Reads a version by the label that has its number; `previous` is AWS's own label for it. */
export function readVersion(api: Api): NonNullable<SecretProvider['getVersion']> {
  return async (path, version, context) => {
    assertPath(path)
    if (version === 'previous') return (await fetchVersion(api, path, previous, context))?.secret
    assertVersionNumber(version)
    const found = await fetchVersion(api, path, versionLabel(version), context)
    return found && (await wasCurrent(api, path, found, version, context)) ? { ...found.secret, version } : undefined
  }
}

/** The version that waits to be promoted, and not one that was: AWS's label for it may stay where it is. */
export async function readPending(api: Api, path: string, context: CallContext): Promise<StoredSecret | undefined> {
  const found = await fetchLabelled(api, path, pending, context)
  if (found === undefined) return undefined
  const number = madeNumberOf(found.labels)
  const isDone = number === undefined ? isInUse(found.labels) : await wasCurrent(api, path, found, number, context)
  return isDone ? undefined : found.secret
}

function fetchVersion(api: Api, path: string, label: string, context: CallContext): Promise<AnsweredVersion | undefined> {
  return fetchLabelled(api, path, label, context).then((answered) => answered && releasedVersion(answered))
}

function fetchLabelled(api: Api, path: string, label: string, context: CallContext): Promise<AnsweredVersion | undefined> {
  const input = label === current ? { SecretId: path } : { SecretId: path, VersionStage: label }
  const version = api.call('GetSecretValue', input, context).then((answer) => {
    const answered = versionOf(answer)
    // An endpoint that does not know labels would answer with the current version.
    if (label !== current && !answered.labels.includes(label)) throw garbled()
    return answered
  })
  return unlessMissing(version)
}

/**
 * A version whose writer stopped half-way has a number and was never current: `put-<n>` is still on it. Where its writer knew no `put-<n>`, the
 * number itself tells: numbers only grow, so that an old one is below the current or the previous one. Where those have none, the older was
 * created first.
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

/** `undefined` where AWS answered that there is no such secret, or no such version of it. */
export function unlessMissing<T>(answer: Promise<T>): Promise<T | undefined> {
  return answer.catch((error: unknown) => {
    if (SecretsError.isInstance(error) && error.code === 'NOT_FOUND') return undefined
    throw error
  })
}
