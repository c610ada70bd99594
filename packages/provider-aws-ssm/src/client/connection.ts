import { SecretsError } from '@finchat/secrets-core'
import { isUpcoming, isVisibleAscii, leastTlsVersion, type Limiter, limiter, loadOnUse, withDetails } from '@finchat/secrets-core/provider'
import { credentialsError } from '../errors/store-error.ts'
import type { CheckedOptions } from '../model/options.ts'
import { isRegion } from '../model/region.ts'
import { type Asked, awsSdk, type Sdk, type SSMClient, type SSMClientConfig } from '../model/sdk.ts'
import { assertConfigured } from './endpoint.ts'

export interface OpenConnection {
  readonly sdk: Sdk
  readonly client: SSMClient
  readonly region: string
  readonly limit: Limiter
}

export interface Connection {
  /** Loads the SDK and creates the client, once. */
  readonly open: () => Promise<OpenConnection>
  readonly closing: AbortSignal
  /** Ends running calls, and the client unless the user passed it. */
  readonly close: () => Promise<void>
}

export function lazyConnection(options: CheckedOptions): Connection {
  const controller = new AbortController()
  let opening: Promise<OpenConnection> | undefined
  const open = (): Promise<OpenConnection> => {
    opening ??= openConnection(options).catch((error: unknown) => {
      opening = undefined // the next call may find it repaired
      throw error
    })
    return opening
  }
  const close = async (): Promise<void> => {
    controller.abort()
    const [opened] = await Promise.allSettled([opening])
    if (opened.status === 'fulfilled' && options.client === undefined) opened.value?.client.destroy()
  }
  return { open, close, closing: controller.signal }
}

/** The default `maxSockets` of the SDK, which would soon fail a call that waits for a socket. */
const socketsOfSdk = 50

async function openConnection(options: CheckedOptions): Promise<OpenConnection> {
  const sdk = await loadSdk()
  const client = options.client ?? newClient(sdk, options)
  await assertConfigured(client, options)
  const limit = limiter(options.client === undefined ? socketsOfSdk : Number.POSITIVE_INFINITY)
  return { sdk, client, limit, region: await regionOf(client, options.client !== undefined) }
}

/** Costs 70 ms of processor time and 20 MB, so it waits for the first call. */
function loadSdk(): Promise<Sdk> {
  return loadOnUse(awsSdk, () => import('@aws-sdk/client-ssm'), 'SSMClient')
}

function newClient(sdk: Sdk, { clientConfig, region, endpoint, timeoutMs }: CheckedOptions): SSMClient {
  try {
    return new sdk.SSMClient({
      maxAttempts: 3,
      retryMode: 'standard', // `adaptive` may wait for seconds
      ...clientConfig,
      ...(region !== undefined && { region }),
      ...(endpoint !== undefined && { endpoint }),
      requestHandler: requestHandler(clientConfig.requestHandler, timeoutMs),
    })
  } catch {
    throw new SecretsError('CONFIGURATION', 'the AWS SDK makes no client of `clientConfig`', { remedy: 'correct its members' })
  }
}

type Handler = NonNullable<SSMClientConfig['requestHandler']>

/** The SDK never times out by default, and only warns without `throwOnRequestTimeout`. */
function requestHandler(given: Handler | undefined, timeoutMs: number): Handler {
  if (given !== undefined && 'handle' in given) return given
  const attemptMs = Math.ceil(timeoutMs * 0.4)
  const { httpsAgent }: { readonly httpsAgent?: object } = Object(given)
  const isAgent = httpsAgent !== undefined && 'destroy' in httpsAgent
  return {
    connectionTimeout: Math.ceil(timeoutMs * 0.2),
    requestTimeout: attemptMs,
    socketTimeout: attemptMs, // or an answer that stops in its body would keep its socket
    throwOnRequestTimeout: true,
    ...given,
    // Set here, NODE_TLS_REJECT_UNAUTHORIZED and NODE_OPTIONS cannot weaken it.
    httpsAgent: isAgent ? httpsAgent : { rejectUnauthorized: true, minVersion: leastTlsVersion(), ...httpsAgent },
  }
}

/** No default region: it would answer "no such parameter", and a weaker store would be believed. */
async function regionOf(client: SSMClient, isOwn: boolean): Promise<string> {
  const region = await client.config.region().catch(() => undefined)
  if (region === undefined)
    throw new SecretsError('CONFIGURATION', 'no AWS region', {
      remedy: isOwn ? 'give the client one' : 'give `region`, or set AWS_REGION or the region of the profile',
    })
  if (isOwn || isRegion(region)) return region
  throw new SecretsError('CONFIGURATION', 'the region is not one that AWS could have', { remedy: 'give one such as eu-west-1' })
}

type Credentials = Awaited<ReturnType<SSMClient['config']['credentials']>>

/**
 * The credentials that the SDK will sign with; `forceRefresh` fetches new ones. Fetched before a
 * request, so that a failing source is never taken for an answer of Systems Manager.
 */
export async function loadCredentials(
  client: SSMClient,
  asked: Asked,
  options: { readonly forceRefresh?: boolean } = {},
): Promise<Credentials> {
  const credentials = await searchCredentials(client, asked, options)
  const { accessKeyId, secretAccessKey, sessionToken = 'none' } = credentials
  if ([accessKeyId, secretAccessKey, sessionToken].every(isVisibleAscii)) return credentials // the SDK signs with any value
  throw new SecretsError('CONFIGURATION', 'the AWS credentials are incomplete or contain characters that cannot be sent', {
    remedy: 'check access key, secret key and session token for missing parts and line breaks',
  })
}

/** A search slower than this is not repeated for `rememberedMs`. */
const slowSearchMs = 1_000
const rememberedMs = 60_000
const failedSearches = new WeakMap<SSMClient, SecretsError>()

/** An unreachable metadata service costs two seconds per search, and the SDK remembers nothing. */
async function searchCredentials(client: SSMClient, asked: Asked, options: { readonly forceRefresh?: boolean }): Promise<Credentials> {
  const known = failedSearches.get(client)
  if (known?.retryAt !== undefined && isUpcoming(known.retryAt, rememberedMs)) throw known
  const startedAt = performance.now()
  try {
    return await client.config.credentials(options)
  } catch (thrown) {
    const error = credentialsError(thrown, asked)
    if (error.code !== 'CREDENTIALS_MISSING' || performance.now() - startedAt < slowSearchMs) throw error
    const slow = withDetails(error, { retryAt: Date.now() + rememberedMs })
    failedSearches.set(client, slow)
    throw slow
  }
}

export function isSameKey(one: Credentials, other: Credentials): boolean {
  return one.accessKeyId === other.accessKeyId && one.secretAccessKey === other.secretAccessKey && one.sessionToken === other.sessionToken
}
