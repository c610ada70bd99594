import { SecretsError } from '@finchat/secrets-core'
import { leastTlsVersion, type Limiter, limiter, loadOnUse, warnOperator } from '@finchat/secrets-core/provider'
import { assertConfigured, assertShared, configuredEndpoint, type SharedIdentity } from './endpoint.ts'
import { settle } from './settle.ts'
import { isRegion } from '../model/arn.ts'
import type { CheckedOptions } from '../model/options.ts'
import { awsSdk, type Sdk, type SecretsManagerClient, type SecretsManagerClientConfig } from '../model/sdk.ts'

export interface OpenConnection {
  readonly sdk: Sdk
  readonly client: SecretsManagerClient
  readonly region: string
  /** At most as many calls at once as the SDK has sockets. */
  readonly limit: Limiter
}

export interface Connection {
  /** Loads the SDK and creates the client, once. */
  readonly open: () => Promise<OpenConnection>
  readonly closing: AbortSignal
  /** Ends running calls, and the client unless the user passed it. */
  readonly close: () => Promise<void>
}

export function lazyConnection(options: CheckedOptions, shared: SharedIdentity | undefined): Connection {
  const controller = new AbortController()
  let opening: Promise<OpenConnection> | undefined
  const open = (): Promise<OpenConnection> => {
    opening ??= openConnection(options, shared).catch((error: unknown) => {
      opening = undefined // the next call may find it repaired
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
    return { sdk, client, region: await regionOf(client, 'give the client one'), limit: limiter(Number.POSITIVE_INFINITY) }
  }
  const client = await ownClient(sdk, options)
  const endpoint = await configuredEndpoint(client)
  assertConfigured(endpoint)
  assertShared(endpoint, shared)
  const region = await regionOf(client, 'give `region`, or set AWS_REGION or the region of the profile')
  if (!isRegion(region)) throw noRegionOfAws()
  return { sdk, client, region, limit: limiter(socketsOfSdk) }
}

/** The default `maxSockets`. The SDK would soon fail a call that waits for a socket. */
const socketsOfSdk = 50

/**
 * Costs 70 ms of processor time and 20 MB, so it waits for the first call. An earlier load brings
 * no secret sooner: modules load on the main thread.
 */
function loadSdk(): Promise<Sdk> {
  return loadOnUse(awsSdk, () => import('@aws-sdk/client-secrets-manager'), 'SecretsManagerClient')
}

/**
 * The region comes from the options, the SDK's chain (AWS_REGION, the profile), or the last resort.
 */
async function ownClient(sdk: Sdk, options: CheckedOptions): Promise<SecretsManagerClient> {
  const client = newClient(sdk, options)
  const region = await settle(client.config.region())
  const { fallbackRegion } = options
  if (fallbackRegion === undefined || region.status === 'fulfilled' || !isMissing(region.reason)) return client
  client.destroy()
  const warning = `No AWS region is set, so AWS provider '${options.name}' asks ${fallbackRegion}: set FINCHAT_AWS_REGION`
  warnOperator(warning, 'FINCHAT_SECRETS_AWS_REGION')
  return newClient(sdk, { ...options, region: fallbackRegion })
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

/** The SDK never times out by default, and only warns without `throwOnRequestTimeout`. */
function requestHandler(given: Handler | undefined, timeoutMs: number): Handler {
  if (given !== undefined && 'handle' in given) return given
  const attemptMs = Math.ceil(timeoutMs * 0.4)
  const connectionTimeout = Math.ceil(timeoutMs * 0.2)
  const { httpsAgent }: { readonly httpsAgent?: unknown } = Object(given)
  return {
    connectionTimeout,
    requestTimeout: attemptMs,
    socketTimeout: attemptMs, // or an answer that stops in its body would keep its socket
    throwOnRequestTimeout: true,
    ...given,
    httpsAgent: verifyingAgent(httpsAgent),
  }
}

/** Set here, NODE_TLS_REJECT_UNAUTHORIZED and NODE_OPTIONS cannot weaken it. */
function verifyingAgent(agent: unknown): object {
  const given: { readonly destroy?: unknown } = Object(agent)
  if (typeof given.destroy === 'function') return given
  return { rejectUnauthorized: true, minVersion: leastTlsVersion(), ...given }
}

/** No default region: it would answer "no such secret", and a weaker store would be believed. */
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

/** The SDK marks it by this message alone. */
function isMissing(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('Region is missing')
}
