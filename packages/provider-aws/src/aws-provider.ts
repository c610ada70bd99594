import { type CallContext, type SecretProvider, SecretsError, type WriteReceipt } from '@finchat/secrets-core'
import { locator, type Provides } from '@finchat/secrets-core/provider'
import { checkOptions } from './check-options.ts'
import { type Api, apiOver } from './client/api.ts'
import { lazyConnection } from './client/connection.ts'
import { sharedIdentity } from './client/endpoint.ts'
import { garbled } from './model/answers.ts'
import { canHoldPath } from './model/limits.ts'
import type { AwsProviderOptions, CheckedOptions } from './model/options.ts'
import { readMany } from './read/batch.ts'
import { coalescedReads } from './read/coalesce.ts'
import { readOne, readVersion } from './read/get.ts'
import { describe, listSecrets } from './read/list.ts'
import { deleteSecret, restoreSecret, startManagedRotation } from './write/delete-restore-rotate.ts'
import { put } from './write/put.ts'
import { staging } from './write/staging.ts'
import { tagSecret } from './write/tags.ts'
import { whileThere } from './write/versions.ts'

/** The contract's members, and the start of a rotation that AWS runs by itself. */
export interface AwsProvider extends Provides<Exclude<keyof SecretProvider, 'keepsFields' | 'sharedAs'>> {
  readonly sharedAs?: string | undefined
  /**
   * Has AWS rotate a secret by the function or the service that is configured for it. Resolves to the revision of the version that AWS begins;
   * it becomes current when AWS is through with it. Rejects with `CONFIGURATION` where AWS has no rotation for the secret or one is under way.
   */
  readonly startManagedRotation: (path: string, context?: Partial<CallContext>) => Promise<WriteReceipt>
  readonly close: (context?: Partial<CallContext>) => Promise<void>
}

/**
 * Secrets of AWS Secrets Manager, by name, ARN or partial ARN. Returns a provider; the SDK is loaded, and AWS asked, when it is first used. Throws
 * `CONFIGURATION` for options that make no sense.
 *
 * @example
 * import { awsProvider } from '@finchat/secrets-provider-aws'
 *
 * const aws = awsProvider({ region: 'eu-west-1', names: { FINCHAT_TOKEN: 'prod/finchat#token' }, onlyNamed: true })
 * console.log(aws.locate('FINCHAT_TOKEN'), aws.locate('OTHER')) // { path: 'prod/finchat', field: 'token' } undefined
 * await aws.close()
 */
export function awsProvider(options: AwsProviderOptions = {}): AwsProvider {
  return awsProviderWith(options, undefined)
}

/** The same; where there is no region at all it asks that of the last resort. */
export function awsProviderWith(options: AwsProviderOptions, lastResort: string | undefined): AwsProvider {
  const checked = checkOptions(options, lastResort)
  const shared = sharedIdentity(checked)
  const connection = lazyConnection(checked, shared)
  const api = apiOver(connection, checked)
  return {
    specificationVersion: 'v1',
    name: checked.name,
    locate: locator(options, canHoldPath),
    ...(shared !== undefined && { sharedAs: shared.sharedAs }),
    ...reads(api, checked),
    put: (path, secret, context) => whileThere(put(api, checked.kmsKeyId, path, secret, context)),
    tag: tagSecret(api),
    delete: deleteSecret(api, checked.recoveryWindowDays),
    restore: restoreSecret(api),
    staging: staging(api, checked.kmsKeyId),
    startManagedRotation: (path, context) =>
      startManagedRotation(api, path, { ...context, signal: context?.signal ?? new AbortController().signal }),
    checkHealth: checkHealth(api),
    close: connection.close,
  }
}

type Reads = Provides<'get' | 'getVersion' | 'getMany' | 'describe' | 'list'>

function reads(api: Api, options: CheckedOptions): Reads {
  const get = readOne(api)
  const getMany = readMany(api, options, get)
  return {
    get: options.coalesceReads ? coalescedReads(getMany) : get,
    getVersion: readVersion(api),
    getMany,
    describe: describe(api),
    list: (prefix, context) => listSecrets(api, prefix, context),
  }
}

/** Asks for a random password, which is about no secret. A denial comes from a store that is there and knows us. */
function checkHealth(api: Api): NonNullable<SecretProvider['checkHealth']> {
  return async (context) => {
    try {
      const { RandomPassword: password } = await api.call('GetRandomPassword', { PasswordLength: 8 }, context)
      if (typeof password !== 'string') throw garbled()
    } catch (error) {
      if (!SecretsError.isInstance(error) || error.code !== 'PERMISSION_DENIED') throw error
    }
  }
}
