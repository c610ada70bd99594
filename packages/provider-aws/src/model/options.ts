import { knownOptions, type MembersOf, type NamesOptions, SecretsError } from '@finchat/secrets-core'
import { assertEndpoint } from '../client/endpoint.ts'
import type { SecretsManagerClient, SecretsManagerClientConfig } from './sdk.ts'

/** What `awsProvider` takes. */
export interface AwsProviderOptions extends NamesOptions {
  /**
   * Such as `eu-west-1`. Default: the SDK's own chain (AWS_REGION, the profile); where that has none, every call is `CONFIGURATION`. With `client`
   * only beside `account`.
   */
  readonly region?: string | undefined
  /**
   * Instead of AWS's own, such as that of a VPC endpoint: https, or http on this machine. Default: AWS_ENDPOINT_URL_SECRETS_MANAGER, AWS_ENDPOINT_URL or
   * the profile, which are held to the same.
   */
  readonly endpoint?: string | undefined
  /**
   * For the client that the provider makes, but for its endpoint, which is `endpoint`. Default: credentials by the SDK's own chain, 3 attempts,
   * retry mode `standard`.
   */
  readonly clientConfig?: Omit<SecretsManagerClientConfig, 'endpoint' | 'endpointProvider'> | undefined
  /** A client of your own, whose timeouts and retries are yours. It is never destroyed by the provider. */
  readonly client?: SecretsManagerClient | undefined
  /**
   * Milliseconds that one call to AWS may take, retries included; an attempt has 40 % of it. Default: 4,500, which is less than the manager's
   * `deadlineMs`: of a call that the manager ends nobody can say whether AWS hangs or throttles.
   */
  readonly timeoutMs?: number | undefined
  /**
   * The 12 digits of the AWS account. With `region` it lets a cache that is shared by a fleet keep this provider's answers; an answer from
   * another account or region is then an error.
   */
  readonly account?: string | undefined
  /** The provider's name in errors, audit events and health. Default: `aws`. */
  readonly name?: string | undefined
  /**
   * Reads of one turn of the event loop become one `BatchGetSecretValue`. Default: false, for AWS allows 100 batches a second and 10,000 single
   * reads: a large fleet can do less with it.
   */
  readonly coalesceReads?: boolean | undefined
  /** The KMS key of secrets that are created: an id, an ARN or an alias. Default: `aws/secretsmanager`. */
  readonly kmsKeyId?: string | undefined
  /** Days in which a deleted secret can be restored, 7 to 30. Default: 30. */
  readonly recoveryWindowDays?: number | undefined
}

/** The same, checked. */
export interface CheckedOptions {
  readonly name: string
  readonly coalesceReads: boolean
  readonly client: SecretsManagerClient | undefined
  readonly clientConfig: SecretsManagerClientConfig
  readonly region: string | undefined
  /** Asked where there is no region at all. */
  readonly lastResort: string | undefined
  readonly endpoint: string | undefined
  readonly timeoutMs: number
  readonly account: string | undefined
  readonly kmsKeyId: string | undefined
  readonly recoveryWindowDays: number
}

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

/** Throws `CONFIGURATION` for every option that makes no sense. Loads nothing and reads no environment. */
export function checkedOptions(given: AwsProviderOptions, lastResort?: string): CheckedOptions {
  const options = knownOptions(given, members)
  const {
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
  } = options
  if (client !== undefined) assertOwnClient(options)
  if (typeof clientConfig !== 'object' || clientConfig === null) throw misconfigured('`clientConfig` is not an object')
  assertRegions(region, clientConfig.region)
  if (endpoint !== undefined) assertEndpoint(endpoint, '`endpoint`')
  if ('endpoint' in clientConfig || 'endpointProvider' in clientConfig)
    throw misconfigured('`clientConfig` has an endpoint', 'give `endpoint` beside it')
  if (!(timeoutMs >= 1 && timeoutMs <= longestTimerMs)) throw misconfigured('`timeoutMs` is not a number of milliseconds')
  if (account !== undefined) assertAccount(account, region)
  if (!Number.isInteger(recoveryWindowDays) || recoveryWindowDays < 7 || recoveryWindowDays > 30) {
    throw misconfigured('`recoveryWindowDays` is not a number of days that AWS allows', 'use 7 to 30')
  }
  return { name, coalesceReads, client, clientConfig, region, lastResort, endpoint, timeoutMs, account, kmsKeyId, recoveryWindowDays }
}

/** `eu-west-1`, `us-gov-west-1`, `eusc-de-east-1`: the shape that all partitions have in common (AWS's `partitions.json`). */
export function isRegion(text: string): boolean {
  return /^[a-z]{2,4}(-[a-z]{2,12}){1,2}-\d{1,2}$/.test(text)
}

function assertRegions(region: string | undefined, clientRegion: SecretsManagerClientConfig['region']): void {
  for (const [option, value] of Object.entries({ '`region`': region, '`clientConfig.region`': clientRegion })) {
    if (typeof value === 'string' && !isRegion(value)) throw misconfigured(`${option} is not a region`, 'give one such as eu-west-1')
  }
  if (region !== undefined && clientRegion !== undefined && region !== clientRegion)
    throw misconfigured('`region` and `clientConfig.region` are two regions', 'leave one of them out')
}

/** `setTimeout` fires at once for more (Node.js documentation, timers). */
const longestTimerMs = 2 ** 31 - 1

function assertOwnClient({ client, clientConfig, endpoint, region, account }: AwsProviderOptions): void {
  const parts = [client?.send, client?.config?.credentials, client?.config?.region]
  if (!parts.every((part) => typeof part === 'function')) throw misconfigured('`client` is not a SecretsManagerClient')
  if (clientConfig !== undefined || endpoint !== undefined) {
    throw misconfigured('`client` is given, and options for another client too', 'leave out `clientConfig` and `endpoint`')
  }
  if (region !== undefined && account === undefined) throw misconfigured('`client` has a region of its own', 'leave out `region`')
}

function assertAccount(account: string, region: string | undefined): void {
  if (!/^\d{12}$/.test(account)) throw misconfigured('`account` is not the number of an AWS account', 'give its 12 digits as text')
  if (region === undefined) throw misconfigured('`account` says nothing without `region`', 'give both')
}

function misconfigured(problem: string, remedy?: string): SecretsError {
  return new SecretsError('CONFIGURATION', problem, { remedy })
}
