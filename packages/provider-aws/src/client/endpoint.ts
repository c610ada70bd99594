import { configurationError } from '@finchat/secrets-core/provider'
import type { CheckedOptions } from '../model/options.ts'
import type { SecretsManagerClient } from '../model/sdk.ts'

/**
 * Throws `CONFIGURATION` unless values on their way are encrypted or stay on this machine. `named`
 * names the setting.
 */
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

/**
 * The name under which a fleet shares answers, and the endpoint from the environment that it
 * covers.
 */
export interface SharedIdentity {
  readonly sharedAs: string
  readonly endpoint: string | undefined
}

/**
 * Account, region and endpoint decide the answers. Only answers show the account, so the options
 * state it, and each answer is checked against it. Undefined if the endpoint is known only later.
 */
export function sharedIdentity({ account, region, endpoint, client, clientConfig }: CheckedOptions): SharedIdentity | undefined {
  if (account === undefined || region === undefined || settingsOf(client).isCustomEndpoint === true) return undefined
  const isIgnored = settingsOf(client).ignoreConfiguredEndpointUrls ?? clientConfig.ignoreConfiguredEndpointUrls
  const isSettled = endpoint !== undefined || isIgnored === true || variable('AWS_IGNORE_CONFIGURED_ENDPOINT_URLS') === 'true'
  const set = isSettled ? undefined : (variable('AWS_ENDPOINT_URL_SECRETS_MANAGER') ?? variable('AWS_ENDPOINT_URL'))
  if (!isSettled && set === undefined && profilesHaveEndpoints()) return undefined
  return { sharedAs: ['aws', account, region, endpoint ?? set].filter(Boolean).join(' '), endpoint: set }
}

/** An empty variable counts as unset, as in the SDK. */
function variable(name: string): string | undefined {
  return (Object.hasOwn(process.env, name) && process.env[name]) || undefined
}

/** The SDK resolves the profile at its first use, so any `endpoint_url` counts. */
function profilesHaveEndpoints(): boolean {
  const { homedir } = process.getBuiltinModule('node:os')
  const files = [
    variable('AWS_CONFIG_FILE') ?? `${homedir()}/.aws/config`,
    variable('AWS_SHARED_CREDENTIALS_FILE') ?? `${homedir()}/.aws/credentials`,
  ]
  return files.some((file) => /^\s*endpoint_url\s*=/m.test(textOf(file)))
}

/** The SDK ignores unreadable files too. */
function textOf(file: string): string {
  try {
    return process.getBuiltinModule('node:fs').readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

/** Undocumented members of the SDK's configuration. */
interface Settings {
  readonly isCustomEndpoint?: unknown
  readonly ignoreConfiguredEndpointUrls?: unknown
  readonly serviceConfiguredEndpoint?: unknown
}

function settingsOf(client: SecretsManagerClient | undefined): Settings {
  return Object(client?.config)
}

/** The endpoint from the environment or the profile. The SDK keeps its answer and uses it. */
export async function configuredEndpoint(client: SecretsManagerClient): Promise<string | undefined> {
  const { isCustomEndpoint, ignoreConfiguredEndpointUrls, serviceConfiguredEndpoint } = settingsOf(client)
  if (isCustomEndpoint === true || ignoreConfiguredEndpointUrls === true || typeof serviceConfiguredEndpoint !== 'function')
    return undefined
  const found: unknown = await serviceConfiguredEndpoint()
  return typeof found === 'string' ? found : undefined
}

export function assertConfigured(endpoint: string | undefined): void {
  if (endpoint !== undefined) assertEndpoint(endpoint, configured)
}

/** Throws `CONFIGURATION` if answers would be shared under another endpoint's name. */
export function assertShared(endpoint: string | undefined, shared: SharedIdentity | undefined): void {
  if (shared === undefined || shared.endpoint === endpoint) return
  throw configurationError(`${configured} is another than when the provider was made`, 'give it as `endpoint`')
}

const configured = 'the endpoint of AWS_ENDPOINT_URL… or of the profile'
