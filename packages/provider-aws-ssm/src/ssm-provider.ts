import type { CallContext, SecretProvider } from '@finchat/secrets-core'
import { hasCode, locator, type Provides } from '@finchat/secrets-core/provider'
import { checkOptions } from './check-options.ts'
import { type Api, apiOver } from './client/api.ts'
import { lazyConnection } from './client/connection.ts'
import { sharedIdentity } from './client/endpoint.ts'
import { unexpectedAnswer } from './model/answers.ts'
import { canHoldPath, canReadPath } from './model/names.ts'
import type { SsmProviderOptions } from './model/options.ts'
import { readMany } from './read/batch.ts'
import { probe, readOne, readVersion } from './read/get.ts'
import { describe, listParameters } from './read/list.ts'
import { deleteParameter, tagParameter } from './write/change.ts'
import { put } from './write/put.ts'

/** The provider of Parameter Store: what AWS has of the contract. */
export interface SsmProvider extends Provides<
  | 'specificationVersion'
  | 'name'
  | 'locate'
  | 'get'
  | 'getVersion'
  | 'getMany'
  | 'describe'
  | 'list'
  | 'put'
  | 'tag'
  | 'delete'
  | 'probe'
  | 'checkHealth'
> {
  readonly sharedAs?: string | undefined
  readonly close: (context?: Partial<CallContext>) => Promise<void>
}

/**
 * Returns a provider for the parameters of AWS Systems Manager Parameter Store. A path is `name`,
 * `name:3` for a version, or `name:label`. The first call loads the SDK. Throws `CONFIGURATION` for
 * options that cannot work.
 *
 * @example
 * import { ssmProvider } from '@finchat/secrets-provider-aws-ssm'
 *
 * const ssm = ssmProvider({ region: 'eu-west-1', prefix: '/prod/finchat/', names: { DB: '/prod/db#password' } })
 * console.log(ssm.locate('FINCHAT_TOKEN'), ssm.locate('DB')) // { path: '/prod/finchat/FINCHAT_TOKEN' } { path: '/prod/db', field: 'password' }
 * await ssm.close()
 */
export function ssmProvider(options: SsmProviderOptions = {}): SsmProvider {
  const checked = checkOptions(options)
  const sharedAs = sharedIdentity(checked)
  const connection = lazyConnection(checked)
  const api = apiOver(connection, checked)
  const get = readOne(api)
  return {
    specificationVersion: 'v1',
    name: checked.name,
    locate: locateBy(options),
    ...(sharedAs !== undefined && { sharedAs }),
    get,
    getVersion: readVersion(api),
    getMany: readMany(api, get),
    describe: describe(api),
    list: (prefix, context) => listParameters(api, prefix, context),
    put: (path, secret, context) => put(api, checked, path, secret, context),
    tag: tagParameter(api),
    delete: deleteParameter(api),
    probe: probe(api),
    checkHealth: checkHealth(api),
    close: connection.close,
  }
}

/** Only `names` may select a version: a name of a caller that ends in `:3` must not read an old one. */
function locateBy(options: SsmProviderOptions): SsmProvider['locate'] {
  const locate = locator(options, canReadPath)
  return (name) => {
    const location = locate(name)
    const isOfCaller = location?.path === `${options.prefix ?? ''}${name}`
    return isOfCaller && !canHoldPath(location.path) ? undefined : location
  }
}

/** A denial proves that AWS is up and knows the credentials. */
function checkHealth(api: Api): NonNullable<SecretProvider['checkHealth']> {
  return async (context) => {
    try {
      const { Parameters: parameters } = await api.call('DescribeParameters', { MaxResults: 1 }, context)
      if (!Array.isArray(parameters)) throw unexpectedAnswer()
    } catch (error) {
      if (!hasCode(error, 'PERMISSION_DENIED')) throw error
    }
  }
}
