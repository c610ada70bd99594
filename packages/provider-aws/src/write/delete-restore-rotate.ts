import { type CallContext, type SecretProvider, SecretsError, type WriteReceipt } from '@finchat/secrets-core'
import { garbled } from '../model/answers.ts'
import type { Api } from '../client/api.ts'
import { assertPath, assertTags } from '../model/input.ts'
import { setTags } from './tags.ts'

export function tagSecret(api: Api): NonNullable<SecretProvider['tag']> {
  return async (path, tags, context) => {
    assertPath(path)
    assertTags(tags)
    await setTags(api, path, tags, context)
  }
}

/** Schedules the deletion of a secret, or purges it at once. */
export function deleteSecret(api: Api, recoveryWindowDays: number): NonNullable<SecretProvider['delete']> {
  return async (path, { purge }, context) => {
    assertPath(path)
    const how = purge ? { ForceDeleteWithoutRecovery: true } : { RecoveryWindowInDays: recoveryWindowDays }
    const [deletion] = await Promise.allSettled([api.call('DeleteSecret', { SecretId: path, ...how }, context)])
    if (deletion.status === 'fulfilled') return { restorableUntil: purge ? undefined : deletion.value.DeletionDate?.getTime() }
    // It is scheduled already, perhaps by an attempt whose answer was lost.
    if (!purge && SecretsError.isInstance(deletion.reason) && deletion.reason.code === 'DELETED') return {}
    throw deletion.reason
  }
}

export function restoreSecret(api: Api): NonNullable<SecretProvider['restore']> {
  return async (path, context) => {
    assertPath(path)
    await api.call('RestoreSecret', { SecretId: path }, context)
  }
}

/** Has AWS run the rotation that is configured for the secret. Answers the version that it begins, which is not current yet. */
export async function startManagedRotation(api: Api, path: string, context: CallContext): Promise<WriteReceipt> {
  assertPath(path)
  const { VersionId: revision } = await api.call('RotateSecret', { SecretId: path }, context)
  if (typeof revision !== 'string') throw garbled()
  return { revision }
}

/** Asks for a random password, which is about no secret. A denial comes from a store that is there and knows us. */
export function checkHealth(api: Api): NonNullable<SecretProvider['checkHealth']> {
  return async (context) => {
    try {
      const { RandomPassword: password } = await api.call('GetRandomPassword', { PasswordLength: 8 }, context)
      if (typeof password !== 'string') throw garbled()
    } catch (error) {
      if (!SecretsError.isInstance(error) || error.code !== 'PERMISSION_DENIED') throw error
    }
  }
}
