// To copy: a manager whose cache is shared by all processes, sealed, over Redis or Valkey.
import { keyvCache } from '@finchat/secrets-cache-keyv'
import { createSecretsManager, type SecretProvider, type SecretsManager } from '@finchat/secrets-core'
import KeyvRedis, { createClient } from '@keyv/redis'

export interface SharedCacheOptions {
  readonly redisUrl: string
  /** Of `generateKey()`, once; every process gets the same. */
  readonly encryptionKey: string
  /** Separates services that share a server. */
  readonly namespace: string
}

export interface SharedSecrets {
  readonly secrets: SecretsManager
  readonly close: () => Promise<void>
}

export async function openSharedSecrets(
  provider: SecretProvider,
  { redisUrl, encryptionKey, namespace }: SharedCacheOptions,
): Promise<SharedSecrets> {
  const client = createClient({ url: redisUrl })
  client.on('error', () => {}) // the cache reports it; without a listener it would end the process
  await client.connect()
  const subscriber = await client.duplicate().connect() // hears of changes by other processes
  const store = new KeyvRedis<string>(await client.duplicate().connect())
  const shared = keyvCache({ store, encryptionKey, namespace, client, subscriber })
  const secrets = createSecretsManager({ providers: [provider], cache: { shared } })
  const close = async (): Promise<void> => {
    await secrets.close() // first: it may still write to the cache
    client.destroy()
    subscriber.destroy()
    await store.disconnect(true)
  }
  return { secrets, close }
}
