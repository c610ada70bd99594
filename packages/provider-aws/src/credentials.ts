import { SecretsError } from '@finchat/secrets-core'
import type { Asked } from './error-row.ts'
import type { SecretsManagerClient } from './sdk.ts'
import { credentialsError } from './store-error.ts'

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
  let credentials: Credentials
  try {
    credentials = await client.config.credentials(options)
  } catch (error) {
    throw credentialsError(error, asked)
  }
  if (isUsable(credentials)) return credentials
  throw new SecretsError('CONFIGURATION', 'the AWS credentials are incomplete, or no text that can be sent', {
    remedy: 'see that access key, secret key and session token are there, without line breaks',
  })
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
