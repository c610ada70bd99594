import { assertWithin, configurationError, knownOptions, longestTimerMs, type MembersOf } from '@finchat/secrets-core/provider'
import { assertEndpoint } from './client/endpoint.ts'
import type { CheckedOptions, SsmProviderOptions } from './model/options.ts'
import { isRegion } from './model/region.ts'

const members: MembersOf<SsmProviderOptions> = {
  region: 'string',
  endpoint: 'string',
  clientConfig: 'any',
  client: 'any',
  timeoutMs: 'number',
  account: 'string',
  name: 'string',
  keyId: 'string',
  tier: 'string',
  names: 'any',
  prefix: 'string',
  onlyNamed: 'boolean',
}

/** Throws `CONFIGURATION` for options that cannot work. Loads nothing and reads no environment. */
export function checkOptions(given: SsmProviderOptions): CheckedOptions {
  const options = knownOptions(given, members)
  const {
    name = 'ssm',
    clientConfig = {},
    timeoutMs = 4_500,
    client,
    region,
    endpoint,
    account,
    keyId,
    tier,
    prefix = '',
    onlyNamed,
  } = options
  if (client !== undefined) assertOwnClient(options)
  assertClientConfig(clientConfig)
  assertRegions(region, clientConfig.region)
  if (endpoint !== undefined) assertEndpoint(endpoint, '`endpoint`')
  assertWithin('timeoutMs', timeoutMs, 1, longestTimerMs)
  if (account !== undefined) assertAccount(account, region)
  assertTier(tier)
  // AWS knows a name of one level without its `/` only, so `/prod` before `db` is no name.
  if (!onlyNamed && /^\/[^/]+$/.test(prefix)) throw configurationError('`prefix` can hold no plain name', 'end it with /')
  return { name, clientConfig, timeoutMs, client, region, endpoint, account, keyId, tier }
}

function assertClientConfig(clientConfig: CheckedOptions['clientConfig']): void {
  if (typeof clientConfig !== 'object' || clientConfig === null) throw configurationError('`clientConfig` is not an object')
  if ('endpoint' in clientConfig || 'endpointProvider' in clientConfig)
    throw configurationError('`clientConfig` has an endpoint', 'give `endpoint` beside it')
}

function assertTier(tier: CheckedOptions['tier']): void {
  if (tier === undefined || ['Standard', 'Advanced', 'Intelligent-Tiering'].includes(tier)) return
  throw configurationError('`tier` is not a tier of Parameter Store', "give 'Standard', 'Advanced' or 'Intelligent-Tiering'")
}

function assertRegions(region: string | undefined, clientRegion: unknown): void {
  for (const [option, value] of Object.entries({ '`region`': region, '`clientConfig.region`': clientRegion })) {
    if (typeof value === 'string' && !isRegion(value)) throw configurationError(`${option} is not a region`, 'give one such as eu-west-1')
  }
  if (region !== undefined && clientRegion !== undefined && region !== clientRegion)
    throw configurationError('`region` and `clientConfig.region` are two regions', 'leave one of them out')
}

function assertOwnClient({ client, clientConfig, endpoint, region, account }: SsmProviderOptions): void {
  const parts = [client?.send, client?.config?.credentials, client?.config?.region]
  if (!parts.every((part) => typeof part === 'function')) throw configurationError('`client` is not an SSMClient')
  if (clientConfig !== undefined || endpoint !== undefined)
    throw configurationError('`client` is given, and options for another client too', 'leave out `clientConfig` and `endpoint`')
  if (region !== undefined && account === undefined) throw configurationError('`client` has a region of its own', 'leave out `region`')
}

function assertAccount(account: string, region: string | undefined): void {
  if (!/^\d{12}$/.test(account)) throw configurationError('`account` is not the number of an AWS account', 'give its 12 digits as text')
  if (region === undefined) throw configurationError('`account` needs `region`', 'give both')
}
