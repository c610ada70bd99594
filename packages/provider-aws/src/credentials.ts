import type { Asked } from './error-table.ts'
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
  try {
    return await client.config.credentials(options)
  } catch (error) {
    throw credentialsError(error, asked)
  }
}

export function isSameKey(one: Credentials, other: Credentials): boolean {
  return one.accessKeyId === other.accessKeyId && one.secretAccessKey === other.secretAccessKey && one.sessionToken === other.sessionToken
}
