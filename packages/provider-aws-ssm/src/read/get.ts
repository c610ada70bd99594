import type { CallContext, SecretProvider, StoredSecret, WriteReceipt } from '@finchat/secrets-core'
import { assertVersionNumber, undefinedOn } from '@finchat/secrets-core/provider'
import type { Api } from '../client/api.ts'
import { describedBy, secretOf } from '../model/answers.ts'
import { type ParameterPath, parsePath } from '../model/names.ts'
import type { OutputOf } from '../model/sdk.ts'

export type ReadOne = SecretProvider['get']

/** Reads the newest version, or the one that the path selects. */
export function readOne(api: Api): ReadOne {
  return async (path, context) => readAt(api, parsePath(path), context)
}

/**
 * Reads a version by its number. AWS counts without gaps, so `previous` is the number before: two
 * reads decrypt one value, where `GetParameterHistory` would decrypt all. A path that selects a
 * version has no other one.
 */
export function readVersion(api: Api): NonNullable<SecretProvider['getVersion']> {
  return async (path, version, context) => {
    const parsed = parsePath(path)
    if (version !== 'previous') assertVersionNumber(version)
    if (parsed.selector !== undefined) {
      const selected = await readAt(api, parsed, context)
      return selected?.version === version ? selected : undefined
    }
    const number = version === 'previous' ? await numberBefore(api, parsed, context) : version
    return number === undefined ? undefined : readAt(api, { ...parsed, selector: String(number) }, context)
  }
}

async function numberBefore(api: Api, path: ParameterPath, context: CallContext): Promise<number | undefined> {
  const newest = await identityAt(api, path, context)
  return newest?.version === undefined || newest.version === 1 ? undefined : newest.version - 1
}

/** Without decryption: KMS is not asked, and no plain value is sent of a SecureString. */
export function probe(api: Api): NonNullable<SecretProvider['probe']> {
  return async (path, context) => {
    const found = await identityAt(api, parsePath(path), context)
    return found && { version: found.version }
  }
}

type Identity = WriteReceipt & Pick<StoredSecret, 'currentSince' | 'currentNotBefore'>

export async function identityAt(api: Api, path: ParameterPath, context: CallContext): Promise<Identity | undefined> {
  const answer = await fetchParameter(api, path, false, context)
  return answer && describedBy(answer.Parameter, path, api.origin)
}

async function readAt(api: Api, path: ParameterPath, context: CallContext): Promise<StoredSecret | undefined> {
  const answer = await fetchParameter(api, path, true, context)
  return answer && secretOf(answer.Parameter, path, api.origin)
}

function fetchParameter(
  api: Api,
  { name, selector }: ParameterPath,
  WithDecryption: boolean,
  context: CallContext,
): Promise<OutputOf<'GetParameter'> | undefined> {
  const Name = selector === undefined ? name : `${name}:${selector}`
  return undefinedOn('NOT_FOUND', api.call('GetParameter', { Name, WithDecryption }, context))
}
