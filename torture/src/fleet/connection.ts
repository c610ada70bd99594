import { createClient } from '@redis/client'
import KeyvRedis from '@keyv/redis'
import KeyvValkey from '@keyv/valkey'
import type { RedisClient, RedisSubscriber } from '@finchat/secrets-cache-keyv'
import { Redis as Valkey } from 'iovalkey'
import { Keyv } from 'keyv'
import type { ServerKind } from './servers.ts'

/** What a process needs of the cache server, set up as the documentation of the cache shows it. */
export interface Connection {
  readonly store: Keyv
  readonly client: RedisClient
  readonly subscriber: RedisSubscriber
  readonly close: () => Promise<void>
}

/** Redis by node-redis and `@keyv/redis`, Valkey by iovalkey and `@keyv/valkey`: the two families of clients. */
export function connect(kind: ServerKind, url: string): Promise<Connection> {
  return kind === 'redis' ? byNodeRedis(url) : byIovalkey(url)
}

async function byNodeRedis(url: string): Promise<Connection> {
  const client = createClient({ url })
  const subscriber = client.duplicate()
  const adapter = new KeyvRedis(url)
  // Who listens to nobody ends with the first connection that is lost.
  for (const each of [client, subscriber, adapter.client]) each.on('error', () => {})
  await Promise.all([client.connect(), subscriber.connect()])
  const close = async (): Promise<void> => {
    for (const each of [client, subscriber]) each.destroy()
    await adapter.disconnect(true).catch(() => {})
  }
  return { store: quietly(new Keyv(adapter)), client, subscriber, close }
}

async function byIovalkey(url: string): Promise<Connection> {
  // Without the right to `INFO`, which the cache does not need, it cannot ask whether the server is ready.
  const one = (): Valkey => new Valkey(url, { lazyConnect: true, enableReadyCheck: false }).on('error', () => {})
  const [client, subscriber, ofStore] = [one(), one(), one()]
  await Promise.all([client, subscriber, ofStore].map((each) => each.connect()))
  const close = async (): Promise<void> => {
    for (const each of [client, subscriber, ofStore]) each.disconnect()
  }
  // By default the adapter also lists every key in a set, which takes further rights, and which nothing needs.
  return { store: quietly(new Keyv(new KeyvValkey(ofStore, { useRedisSets: false }))), client, subscriber, close }
}

function quietly(keyv: Keyv): Keyv {
  keyv.on('error', () => {})
  return keyv
}
