import { configurationError } from '@finchat/secrets-core/provider'
import type { CheckedOptions } from '../model/options.ts'
import type { SSMClient } from '../model/sdk.ts'

/**
 * Throws `CONFIGURATION` unless values on their way are encrypted or stay on this machine. `named`
 * names the setting.
 */
export function assertEndpoint(endpoint: string, named: string): void {
  const { protocol, hostname = '', username, password, search, hash } = URL.parse(endpoint) ?? {}
  const isPrivate = protocol === 'https:' || (protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(hostname))
  if (!isPrivate || !endpoint.includes('://'))
    throw configurationError(`${named} is not an https URL`, 'write https://…, or http://… for this machine')
  if ([username, password, search, hash].some(Boolean))
    throw configurationError(`${named} has more than scheme, host, port and path`, 'credentials come from the chain of the SDK')
}

/** Undocumented members of the SDK's configuration. */
interface Settings {
  readonly isCustomEndpoint?: unknown
  readonly ignoreConfiguredEndpointUrls?: unknown
  readonly serviceConfiguredEndpoint?: unknown
}

/**
 * Account, region and endpoint decide the answers, and a fleet shares them by this text. Only
 * answers show the account, so the options state it, and each answer is checked against it.
 */
export function sharedIdentity({ account, region, endpoint, client }: CheckedOptions): string | undefined {
  const { isCustomEndpoint }: Settings = Object(client?.config)
  if (account === undefined || region === undefined || isCustomEndpoint === true) return undefined
  return ['ssm', account, region, endpoint].filter(Boolean).join(' ')
}

/**
 * Throws `CONFIGURATION` for an endpoint of the environment or the profile that is not private. With
 * `account` it must be an option: its answers would be shared as those of AWS.
 */
export async function assertConfigured(client: SSMClient, { account, endpoint, client: own }: CheckedOptions): Promise<void> {
  const { isCustomEndpoint, ignoreConfiguredEndpointUrls, serviceConfiguredEndpoint }: Settings = Object(client.config)
  if (isCustomEndpoint === true || ignoreConfiguredEndpointUrls === true || typeof serviceConfiguredEndpoint !== 'function') return
  const found: unknown = await serviceConfiguredEndpoint() // the SDK keeps its answer and uses it
  if (typeof found !== 'string') return
  if (own === undefined) assertEndpoint(found, configured)
  if (account !== undefined && found !== endpoint) throw configurationError(`${configured} is not an option`, 'give it as `endpoint`')
}

const configured = 'the endpoint of AWS_ENDPOINT_URL… or of the profile'
