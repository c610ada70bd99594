import { SecretsError } from '@finchat/secrets-core'
import { assertConfigured, assertShared, configuredEndpoint, type SharedIdentity } from './endpoint.ts'
import { type Limiter, limiter, settle } from './concurrency.ts'
import { isRegion } from '../model/arn.ts'
import type { CheckedOptions } from '../model/options.ts'
import type { Sdk, SecretsManagerClient, SecretsManagerClientConfig } from '../model/sdk.ts'

export interface OpenConnection {
  readonly sdk: Sdk
  readonly client: SecretsManagerClient
  readonly region: string
  /** In which calls are sent: no more at once than there are sockets. */
  readonly turns: Limiter
}

export interface Connection {
  /** Loads the SDK and makes the client, once. */
  readonly open: () => Promise<OpenConnection>
  readonly closing: AbortSignal
  /** Ends what is under way, and the client unless it was passed in. */
  readonly close: () => Promise<void>
}

export function lazyConnection(options: CheckedOptions, shared: SharedIdentity | undefined): Connection {
  const controller = new AbortController()
  let opening: Promise<OpenConnection> | undefined
  const open = (): Promise<OpenConnection> => {
    opening ??= openConnection(options, shared).catch((error: unknown) => {
      opening = undefined // what was wrong may be mended by the next call
      throw error
    })
    return opening
  }
  const close = async (): Promise<void> => {
    controller.abort()
    const opened = await settle(opening)
    if (opened.status === 'fulfilled' && options.client === undefined) opened.value?.client.destroy()
  }
  return { open, close, closing: controller.signal }
}

async function openConnection(options: CheckedOptions, shared: SharedIdentity | undefined): Promise<OpenConnection> {
  const sdk = await loadSdk()
  if (options.client !== undefined) {
    const { client } = options
    assertShared(await configuredEndpoint(client), shared)
    return { sdk, client, region: await regionOf(client, 'give the client one'), turns: limiter(Number.POSITIVE_INFINITY) }
  }
  const client = await ownClient(sdk, options)
  const endpoint = await configuredEndpoint(client)
  assertConfigured(endpoint)
  assertShared(endpoint, shared)
  const region = await regionOf(client, 'give `region`, or set AWS_REGION or the region of the profile')
  if (!isRegion(region)) throw noRegionOfAws()
  return { sdk, client, region, turns: limiter(socketsOfSdk) }
}

/** By default (`maxSockets` of its request handler). What waited for one inside the SDK would soon fail for want of a connection. */
const socketsOfSdk = 50

/** Costs some 60 ms and 20 MB: not before it is needed. */
async function loadSdk(): Promise<Sdk> {
  try {
    return await import('@aws-sdk/client-secrets-manager')
  } catch {
    throw new SecretsError('CONFIGURATION', 'the AWS SDK cannot be loaded', { remedy: 'install @aws-sdk/client-secrets-manager' })
  }
}

/** In the region of the options, else of the SDK's own chain (AWS_REGION, the profile), else, with a warning, in that of the last resort. */
async function ownClient(sdk: Sdk, options: CheckedOptions): Promise<SecretsManagerClient> {
  const client = newClient(sdk, options)
  const region = await settle(client.config.region())
  const { lastResort } = options
  if (lastResort === undefined || region.status === 'fulfilled' || !isMissing(region.reason)) return client
  client.destroy()
  process.emitWarning(`No AWS region is set, so AWS provider '${options.name}' asks ${lastResort}: set FINCHAT_AWS_REGION`, {
    type: 'SecretsWarning',
    code: 'FINCHAT_SECRETS_AWS_REGION',
  })
  return newClient(sdk, { ...options, region: lastResort })
}

function newClient(sdk: Sdk, options: CheckedOptions): SecretsManagerClient {
  try {
    return new sdk.SecretsManagerClient(clientConfig(options))
  } catch {
    throw new SecretsError('CONFIGURATION', 'the AWS SDK makes no client of `clientConfig`', { remedy: 'correct its members' })
  }
}

function clientConfig({ clientConfig: given, region, endpoint, timeoutMs }: CheckedOptions): SecretsManagerClientConfig {
  return {
    maxAttempts: 3,
    retryMode: 'standard', // `adaptive` may wait for seconds
    ...given,
    ...(region !== undefined && { region }),
    ...(endpoint !== undefined && { endpoint }),
    requestHandler: requestHandler(given.requestHandler, timeoutMs),
  }
}

type Handler = NonNullable<SecretsManagerClientConfig['requestHandler']>

/** The SDK waits for ever unless told otherwise, and only warns without `throwOnRequestTimeout`. An attempt leaves time for another. */
function requestHandler(given: Handler | undefined, timeoutMs: number): Handler {
  if (given !== undefined && 'handle' in given) return given
  const attemptMs = Math.ceil(timeoutMs * 0.4)
  const connectionTimeout = Math.ceil(timeoutMs * 0.2)
  const { httpsAgent }: { readonly httpsAgent?: unknown } = Object(given)
  return {
    connectionTimeout,
    requestTimeout: attemptMs,
    socketTimeout: attemptMs, // without it an answer that stops in the middle of its body would keep its socket
    throwOnRequestTimeout: true,
    ...given,
    httpsAgent: verifying(httpsAgent),
  }
}

/**
 * Said here, neither is to be switched off by NODE_TLS_REJECT_UNAUTHORIZED and NODE_OPTIONS. An
 * agent of the user is the user's.
 */
function verifying(agent: unknown): object {
  const given: { readonly destroy?: unknown } = Object(agent)
  if (typeof given.destroy === 'function') return given
  const isStricter = process.getBuiltinModule('node:tls').DEFAULT_MIN_VERSION === 'TLSv1.3'
  return { rejectUnauthorized: true, minVersion: isStricter ? 'TLSv1.3' : 'TLSv1.2', ...given }
}

/** Throws `CONFIGURATION`: some region by default would answer that there is no such secret, and let a weaker store be believed. */
async function regionOf(client: SecretsManagerClient, remedy: string): Promise<string> {
  try {
    return await client.config.region()
  } catch (error) {
    throw isMissing(error) ? new SecretsError('CONFIGURATION', 'no AWS region', { remedy }) : noRegionOfAws()
  }
}

function noRegionOfAws(): SecretsError {
  return new SecretsError('CONFIGURATION', 'the region is not one that AWS could have', { remedy: 'give one such as eu-west-1' })
}

/** The SDK has no other sign of it than these words. */
function isMissing(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('Region is missing')
}
