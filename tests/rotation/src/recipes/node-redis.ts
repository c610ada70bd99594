import type { SecretsManager, SecretValue } from '@finchat/secrets-core'
import { liveSecret } from '@finchat/secrets-core/live'
import { createClient, type RedisClientType } from '@redis/client'

/** The client asks for the credential at each connection, and connects again after a refusal. */
export async function rotatingClient(secrets: SecretsManager, name: string, url: string, username: string): Promise<RedisClientType> {
  const live = liveSecret(secrets, name)
  await live.ready
  let used = live.current
  const credentials = async (): Promise<{ username: string; password: string }> => {
    used = live.current
    return { username, password: used.reveal() }
  }
  const client: RedisClientType = createClient({ url, credentialsProvider: { type: 'async-credentials-provider', credentials } })
  // After a refusal the client connects again by itself, with what this finds.
  const search = (): Promise<SecretValue> => live.refused(used).catch(() => used)
  client.on('error', (error: Error) => void (error.message.startsWith('WRONGPASS') && search()))
  return client.connect()
}
