import { configurationError } from '@finchat/secrets-core/provider'
import type { CheckedOptions } from '../model/options.ts'
import type { SecretsManagerClient } from '../model/sdk.ts'

/** Throws `CONFIGURATION` unless values that go there are encrypted on the way, or stay on this machine. `named` says where the endpoint stands. */
export function assertEndpoint(endpoint: string, named: string): void {
  const { protocol, hostname, username, password, search, hash } = URL.parse(endpoint) ?? {}
  if (!endpoint.includes('://')) throw configurationError(`${named} is not an https URL`, 'write https://…, or http://… for this machine')
  const isPrivate = protocol === 'https:' || (protocol === 'http:' && loopback.has(hostname ?? ''))
  if (!isPrivate) throw configurationError(`${named} is not an https URL`, 'http is for this machine only')
  if ([username, password, search, hash].some(Boolean)) {
    throw configurationError(`${named} has more than scheme, host, port and path`, 'credentials come from the chain of the SDK')
  }
}

const loopback: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]'])

/** Whose answers may be shared by a fleet, and the endpoint for which that holds, where the options give none. */
export interface SharedIdentity {
  readonly sharedAs: string
  readonly endpoint: string | undefined
}

/**
 * Account, region and endpoint, without which two providers may answer differently. The account is known from AWS's answers only, so the options must
 * say it; that it is true is checked on each answer. Undefined also where the SDK would tell only later which endpoint it asks.
 */
export function sharedIdentity({ account, region, endpoint, client, clientConfig }: CheckedOptions): SharedIdentity | undefined {
  if (account === undefined || region === undefined || settingsOf(client).isCustomEndpoint === true) return undefined
  const isIgnored = settingsOf(client).ignoreConfiguredEndpointUrls ?? clientConfig.ignoreConfiguredEndpointUrls
  const isSettled = endpoint !== undefined || isIgnored === true || variable('AWS_IGNORE_CONFIGURED_ENDPOINT_URLS') === 'true'
  const set = isSettled ? undefined : (variable('AWS_ENDPOINT_URL_SECRETS_MANAGER') ?? variable('AWS_ENDPOINT_URL'))
  if (!isSettled && set === undefined && profilesHaveEndpoints()) return undefined
  return { sharedAs: ['aws', account, region, endpoint ?? set].filter(Boolean).join(' '), endpoint: set }
}

/** An empty one is none, for the SDK too. */
function variable(name: string): string | undefined {
  return (Object.hasOwn(process.env, name) && process.env[name]) || undefined
}

/** Which profile holds, and what it says, the SDK finds out when it is first used. */
function profilesHaveEndpoints(): boolean {
  const { homedir } = process.getBuiltinModule('node:os')
  const files = [
    variable('AWS_CONFIG_FILE') ?? `${homedir()}/.aws/config`,
    variable('AWS_SHARED_CREDENTIALS_FILE') ?? `${homedir()}/.aws/credentials`,
  ]
  return files.some((file) => /^\s*endpoint_url\s*=/m.test(textOf(file)))
}

/** A file that cannot be read is one that the SDK does without, too. */
function textOf(file: string): string {
  try {
    return process.getBuiltinModule('node:fs').readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

/** What the SDK keeps beside the documented configuration. */
interface Settings {
  readonly isCustomEndpoint?: unknown
  readonly ignoreConfiguredEndpointUrls?: unknown
  readonly serviceConfiguredEndpoint?: unknown
}

function settingsOf(client: SecretsManagerClient | undefined): Settings {
  return Object(client?.config)
}

/** The endpoint that the SDK takes from the environment or the profile; it remembers its answer, and asks there. */
export async function configuredEndpoint(client: SecretsManagerClient): Promise<string | undefined> {
  const { isCustomEndpoint, ignoreConfiguredEndpointUrls, serviceConfiguredEndpoint } = settingsOf(client)
  if (isCustomEndpoint === true || ignoreConfiguredEndpointUrls === true || typeof serviceConfiguredEndpoint !== 'function')
    return undefined
  const found: unknown = await serviceConfiguredEndpoint()
  return typeof found === 'string' ? found : undefined
}

/** Throws `CONFIGURATION` for one that `endpoint` may not be either. */
export function assertConfigured(endpoint: string | undefined): void {
  if (endpoint !== undefined) assertEndpoint(endpoint, configured)
}

/** Throws `CONFIGURATION` if answers would be shared as those of another endpoint. */
export function assertShared(endpoint: string | undefined, shared: SharedIdentity | undefined): void {
  if (shared === undefined || shared.endpoint === endpoint) return
  throw configurationError(`${configured} is another than when the provider was made`, 'give it as `endpoint`')
}

const configured = 'the endpoint of AWS_ENDPOINT_URL… or of the profile'
