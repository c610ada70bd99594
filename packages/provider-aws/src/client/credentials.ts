import { SecretsError } from '@finchat/secrets-core'
import type { Asked } from '../errors/aws-errors.ts'
import type { SecretsManagerClient } from '../model/sdk.ts'
import { credentialsError } from '../errors/store-error.ts'

type Credentials = Awaited<ReturnType<SecretsManagerClient['config']['credentials']>>

/**
 * The credentials that the SDK will sign with: those it holds or, with `forceRefresh`, new ones from their source. Asked for before a request is
 * sent, so that what is wrong with their source is never taken for an answer of Secrets Manager.
 */
export async function credentialsOf(
  client: SecretsManagerClient,
  asked: Asked,
  options: { readonly forceRefresh?: boolean } = {},
): Promise<Credentials> {
  const credentials = await searched(client, asked, options)
  if (isUsable(credentials)) return credentials
  throw new SecretsError('CONFIGURATION', 'the AWS credentials are incomplete, or no text that can be sent', {
    remedy: 'see that access key, secret key and session token are there, without line breaks',
  })
}

/** How long a search took that cost a reader something, and for how long it is not made again. */
const slowSearchMs = 1_000
const rememberedMs = 60_000

const failedSearches = new WeakMap<SecretsManagerClient, { readonly error: SecretsError; readonly until: number }>()

/** A metadata service that swallows the question takes two seconds at each search, and the SDK remembers nothing of it. */
async function searched(client: SecretsManagerClient, asked: Asked, options: { readonly forceRefresh?: boolean }): Promise<Credentials> {
  const now = Date.now()
  const known = failedSearches.get(client)
  // A clock that was set back must not stretch it.
  if (known !== undefined && now < known.until && known.until - now <= rememberedMs) throw known.error
  const startedAt = performance.now()
  try {
    return await client.config.credentials(options)
  } catch (thrown) {
    const error = credentialsError(thrown, asked)
    if (error.code !== 'CREDENTIALS_MISSING' || performance.now() - startedAt < slowSearchMs) throw error
    const until = Date.now() + rememberedMs
    const failed = new SecretsError(error.code, error.problem, { ...error, retryAt: until })
    failedSearches.set(client, { error: failed, until })
    throw failed
  }
}

/** The SDK would sign with whatever it got. */
function isUsable({ accessKeyId, secretAccessKey, sessionToken }: Credentials): boolean {
  return [accessKeyId, secretAccessKey, sessionToken ?? 'none'].every(
    (part: unknown) => typeof part === 'string' && /^[\x21-\x7e]+$/.test(part),
  )
}

export function isSameKey(one: Credentials, other: Credentials): boolean {
  return one.accessKeyId === other.accessKeyId && one.secretAccessKey === other.secretAccessKey && one.sessionToken === other.sessionToken
}
