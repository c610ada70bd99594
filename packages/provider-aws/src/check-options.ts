import {
  assertWholeNumber,
  assertWithin,
  configurationError,
  knownOptions,
  longestTimerMs,
  type MembersOf,
} from '@finchat/secrets-core/provider'
import { assertEndpoint } from './client/endpoint.ts'
import { isRegion } from './model/arn.ts'
import type { AwsProviderOptions, CheckedOptions } from './model/options.ts'
import type { SecretsManagerClientConfig } from './model/sdk.ts'

const members: MembersOf<AwsProviderOptions> = {
  region: 'string',
  endpoint: 'string',
  clientConfig: 'any',
  client: 'any',
  timeoutMs: 'number',
  account: 'string',
  name: 'string',
  coalesceReads: 'boolean',
  kmsKeyId: 'string',
  recoveryWindowDays: 'number',
  names: 'any',
  prefix: 'string',
  onlyNamed: 'boolean',
}

/** Throws `CONFIGURATION` for options that cannot work. Loads nothing and reads no environment. */
export function checkOptions(given: AwsProviderOptions, fallbackRegion?: string): CheckedOptions {
  const options = knownOptions(given, members)
  const checked = { ...withDefaults(options), fallbackRegion }
  const { clientConfig, region, endpoint, account, timeoutMs, recoveryWindowDays } = checked
  if (options.client !== undefined) assertOwnClient(options)
  assertClientConfig(clientConfig)
  assertRegions(region, clientConfig.region)
  if (endpoint !== undefined) assertEndpoint(endpoint, '`endpoint`')
  assertWithin('timeoutMs', timeoutMs, 1, longestTimerMs)
  if (account !== undefined) assertAccount(account, region)
  assertWholeNumber('recoveryWindowDays', recoveryWindowDays, 7, 30)
  return checked
}

function withDefaults({
  name = 'aws',
  coalesceReads = false,
  client,
  clientConfig = {},
  region,
  endpoint,
  timeoutMs = 4_500,
  account,
  kmsKeyId,
  recoveryWindowDays = 30,
}: AwsProviderOptions): Omit<CheckedOptions, 'fallbackRegion'> {
  return { name, coalesceReads, client, clientConfig, region, endpoint, timeoutMs, account, kmsKeyId, recoveryWindowDays }
}

function assertClientConfig(clientConfig: SecretsManagerClientConfig): void {
  if (typeof clientConfig !== 'object' || clientConfig === null) throw configurationError('`clientConfig` is not an object')
  if ('endpoint' in clientConfig || 'endpointProvider' in clientConfig)
    throw configurationError('`clientConfig` has an endpoint', 'give `endpoint` beside it')
}

function assertRegions(region: string | undefined, clientRegion: SecretsManagerClientConfig['region']): void {
  for (const [option, value] of Object.entries({ '`region`': region, '`clientConfig.region`': clientRegion })) {
    if (typeof value === 'string' && !isRegion(value)) throw configurationError(`${option} is not a region`, 'give one such as eu-west-1')
  }
  if (region !== undefined && clientRegion !== undefined && region !== clientRegion)
    throw configurationError('`region` and `clientConfig.region` are two regions', 'leave one of them out')
}

function assertOwnClient({ client, clientConfig, endpoint, region, account }: AwsProviderOptions): void {
  const parts = [client?.send, client?.config?.credentials, client?.config?.region]
  if (!parts.every((part) => typeof part === 'function')) throw configurationError('`client` is not a SecretsManagerClient')
  if (clientConfig !== undefined || endpoint !== undefined) {
    throw configurationError('`client` is given, and options for another client too', 'leave out `clientConfig` and `endpoint`')
  }
  if (region !== undefined && account === undefined) throw configurationError('`client` has a region of its own', 'leave out `region`')
}

function assertAccount(account: string, region: string | undefined): void {
  if (!/^\d{12}$/.test(account)) throw configurationError('`account` is not the number of an AWS account', 'give its 12 digits as text')
  if (region === undefined) throw configurationError('`account` needs `region`', 'give both')
}
