import { SecretsError } from '@finchat/secrets-core'
import { isUpcoming, isVisibleAscii, withDetails } from '@finchat/secrets-core/provider'
import type { RequestContext } from '../errors/aws-errors.ts'
import type { SecretsManagerClient } from '../model/sdk.ts'
import { credentialsError } from '../errors/store-error.ts'

type Credentials = Awaited<ReturnType<SecretsManagerClient['config']['credentials']>>

/**
 * The credentials that the SDK will sign with; `forceRefresh` fetches new ones. Fetched before a
 * request, so that a failing source is never taken for an answer of Secrets Manager.
 */
export async function loadCredentials(
  client: SecretsManagerClient,
  asked: RequestContext,
  options: { readonly forceRefresh?: boolean } = {},
): Promise<Credentials> {
  const credentials = await searchCredentials(client, asked, options)
  if (isUsable(credentials)) return credentials
  throw new SecretsError('CONFIGURATION', 'the AWS credentials are incomplete or contain characters that cannot be sent', {
    remedy: 'check access key, secret key and session token for missing parts and line breaks',
  })
}

/** A search slower than this is not repeated for `rememberedMs`. */
const slowSearchMs = 1_000
const rememberedMs = 60_000

const failedSearches = new WeakMap<SecretsManagerClient, { readonly error: SecretsError; readonly until: number }>()

/** An unreachable metadata service costs two seconds per search, and the SDK remembers nothing. */
async function searchCredentials(
  client: SecretsManagerClient,
  asked: RequestContext,
  options: { readonly forceRefresh?: boolean },
): Promise<Credentials> {
  const known = failedSearches.get(client)
  if (known !== undefined && isUpcoming(known.until, rememberedMs)) throw known.error
  const startedAt = performance.now()
  try {
    return await client.config.credentials(options)
  } catch (thrown) {
    const error = credentialsError(thrown, asked)
    if (error.code !== 'CREDENTIALS_MISSING' || performance.now() - startedAt < slowSearchMs) throw error
    const until = Date.now() + rememberedMs
    const failed = withDetails(error, { retryAt: until })
    failedSearches.set(client, { error: failed, until })
    throw failed
  }
}

/** The SDK signs with any value. */
function isUsable({ accessKeyId, secretAccessKey, sessionToken }: Credentials): boolean {
  return [accessKeyId, secretAccessKey, sessionToken ?? 'none'].every(isVisibleAscii)
}

export function isSameKey(one: Credentials, other: Credentials): boolean {
  return one.accessKeyId === other.accessKeyId && one.secretAccessKey === other.secretAccessKey && one.sessionToken === other.sessionToken
}
