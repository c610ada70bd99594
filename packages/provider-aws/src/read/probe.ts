import type { CallContext, SecretProvider, WriteReceipt } from '@finchat/secrets-core'
import { hasCode, isUpcoming } from '@finchat/secrets-core/provider'
import type { Api } from '../client/api.ts'
import { assertPath } from '../model/input.ts'
import type { ReadOne } from './get.ts'
import { findCurrent } from './list.ts'

/** How long a denial of `DescribeSecret`, an IAM action of its own, is remembered. */
const denialMs = 600_000

/**
 * The identity of the current version, by one call. AWS allows 40,000 `DescribeSecret` a second and
 * 10,000 `GetSecretValue`, which also asks KMS. A policy that allows only that is enough.
 */
export function probe(api: Api, read: ReadOne): NonNullable<SecretProvider['probe']> {
  let deniedUntil = 0
  return async (path, context) => {
    assertPath(path)
    if (isUpcoming(deniedUntil, denialMs)) return identityOf(read, path, context)
    try {
      const found = await findCurrent(api, path, context)
      return found && { version: found.current.version, revision: found.current.revision }
    } catch (error) {
      if (!hasCode(error, 'PERMISSION_DENIED')) throw error
    }
    const identity = await identityOf(read, path, context)
    deniedUntil = Date.now() + denialMs
    return identity
  }
}

async function identityOf(read: ReadOne, path: string, context: CallContext): Promise<WriteReceipt | undefined> {
  const found = await read(path, context)
  if (found === undefined) return undefined
  const { value, version, revision } = found
  if (value instanceof Uint8Array) value.fill(0)
  return revision === undefined ? undefined : { version, revision }
}
