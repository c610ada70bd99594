import { type CallContext, type SecretProvider, type WriteReceipt } from '@finchat/secrets-core'
import { hasCode, locator, type Provides } from '@finchat/secrets-core/provider'
import { checkOptions } from './check-options.ts'
import { type Api, apiOver } from './client/api.ts'
import { lazyConnection } from './client/connection.ts'
import { sharedIdentity } from './client/endpoint.ts'
import { unexpectedAnswer } from './model/answers.ts'
import { canHoldPath } from './model/limits.ts'
import type { AwsProviderOptions, CheckedOptions } from './model/options.ts'
import { readMany } from './read/batch.ts'
import { coalescedReads } from './read/coalesce.ts'
import { readOne, readVersion } from './read/get.ts'
import { describe, listSecrets } from './read/list.ts'
import { probe } from './read/probe.ts'
import { deleteSecret, restoreSecret, startManagedRotation } from './write/delete-restore-rotate.ts'
import { put } from './write/put.ts'
import { staging } from './write/staging.ts'
import { tagSecret } from './write/tags.ts'
import { whileThere } from './write/versions.ts'

/** What the provider has besides the contract: the start of a rotation that AWS runs. */
export interface AwsProvider extends Provides<Exclude<keyof SecretProvider, 'keepsFields' | 'sharedAs' | 'changes'>> {
  readonly sharedAs?: string | undefined
  /**
   * Makes AWS rotate a secret by the function or service configured for it. Resolves to the
   * revision of the version that AWS begins; it is not current yet. Rejects with `CONFIGURATION` if
   * AWS has no rotation for the secret, or one is running.
   */
  readonly startManagedRotation: (path: string, context?: Partial<CallContext>) => Promise<WriteReceipt>
  readonly close: (context?: Partial<CallContext>) => Promise<void>
}

/**
 * Returns a provider for the secrets of AWS Secrets Manager, by name, ARN or partial ARN. The first
 * call loads the SDK. Throws `CONFIGURATION` for options that cannot work.
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

/** With `fallbackRegion`, the region to ask if no region is set. */
export function awsProviderWith(options: AwsProviderOptions, fallbackRegion: string | undefined): AwsProvider {
  const checked = checkOptions(options, fallbackRegion)
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

type Reads = Provides<'get' | 'getVersion' | 'getMany' | 'describe' | 'list' | 'probe'>

function reads(api: Api, options: CheckedOptions): Reads {
  const get = readOne(api)
  const getMany = readMany(api, options, get)
  return {
    get: options.coalesceReads ? coalescedReads(getMany) : get,
    getVersion: readVersion(api),
    getMany,
    describe: describe(api),
    list: (prefix, context) => listSecrets(api, prefix, context),
    probe: probe(api, get),
  }
}

/**
 * GetRandomPassword concerns no secret. A denial proves that AWS is up and knows the credentials.
 */
function checkHealth(api: Api): NonNullable<SecretProvider['checkHealth']> {
  return async (context) => {
    try {
      const { RandomPassword: password } = await api.call('GetRandomPassword', { PasswordLength: 8 }, context)
      if (typeof password !== 'string') throw unexpectedAnswer()
    } catch (error) {
      if (!hasCode(error, 'PERMISSION_DENIED')) throw error
    }
  }
}
