import { type CallContext, type SecretProvider, type WriteReceipt } from '@finchat/secrets-core'
import { hasCode } from '@finchat/secrets-core/provider'
import { unexpectedAnswer } from '../model/answers.ts'
import type { Api } from '../client/api.ts'
import { settle } from '../client/settle.ts'
import { assertPath } from '../model/input.ts'

/** Schedules the deletion of a secret, or purges it at once. */
export function deleteSecret(api: Api, recoveryWindowDays: number): NonNullable<SecretProvider['delete']> {
  return async (path, { purge }, context) => {
    assertPath(path)
    const how = purge ? { ForceDeleteWithoutRecovery: true } : { RecoveryWindowInDays: recoveryWindowDays }
    const deletion = await settle(api.call('DeleteSecret', { SecretId: path, ...how }, context))
    if (deletion.status === 'fulfilled') return { restorableUntil: purge ? undefined : deletion.value.DeletionDate?.getTime() }
    // Already scheduled, perhaps by an attempt whose answer was lost.
    if (!purge && hasCode(deletion.reason, 'DELETED')) return {}
    throw deletion.reason
  }
}

export function restoreSecret(api: Api): NonNullable<SecretProvider['restore']> {
  return async (path, context) => {
    assertPath(path)
    await api.call('RestoreSecret', { SecretId: path }, context)
  }
}

/** Returns the version that AWS begins, which is not current yet. */
export async function startManagedRotation(api: Api, path: string, context: CallContext): Promise<WriteReceipt> {
  assertPath(path)
  const { VersionId: revision } = await api.call('RotateSecret', { SecretId: path }, context)
  if (typeof revision !== 'string') throw unexpectedAnswer()
  return { revision }
}
