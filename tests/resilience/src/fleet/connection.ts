import { createClient } from '@redis/client'
import KeyvRedis from '@keyv/redis'
import KeyvValkey from '@keyv/valkey'
import type { KeyvCacheOptions, RedisClient, RedisSubscriber } from '@finchat/secrets-cache-keyv'
import { natsConnections } from '@finchat/secrets-cache-keyv/nats'
import { postgresConnections } from '@finchat/secrets-cache-keyv/postgres'
import { Kvm } from '@nats-io/kv'
import { connect as connectToNats } from '@nats-io/transport-node'
import { Redis as Valkey } from 'iovalkey'
import { Keyv } from 'keyv'
import { Pool } from 'pg'
import type { ServerKind } from './servers.ts'

/** What a process needs of the cache server, set up as the documentation of the cache shows it. */
export interface Connection {
  readonly store: KeyvCacheOptions['store']
  /** Where the process has clients of its own beside the store. */
  readonly clients: { readonly client: RedisClient; readonly subscriber: RedisSubscriber } | undefined
  readonly close: () => Promise<void>
}

/**
 * Redis by node-redis and `@keyv/redis`, Valkey by iovalkey and `@keyv/valkey`: the two families of
 * clients.
 */
export function connect(kind: ServerKind, url: string, hasClient: boolean): Promise<Connection> {
  return ways[kind](url, hasClient)
}

const ways: Readonly<Record<ServerKind, (url: string, hasClient: boolean) => Promise<Connection>>> = {
  redis: byNodeRedis,
  valkey: byIovalkey,
  postgres: byPool,
  nats: byNats,
}

/**
 * On a busy machine a process may not come to hear for seconds that it is connected: milliseconds.
 */
const connectTimeout = 60_000

async function byNodeRedis(url: string, hasClient: boolean): Promise<Connection> {
  let isClosed = false
  // A call that comes late opens the adapter's connection once more, which then tries for ever: no
  // process of ours would end.
  const reconnectStrategy = (retries: number): number | false => !isClosed && Math.min(50 * 2 ** retries, 500)
  const adapter = new KeyvRedis({ url, socket: { reconnectStrategy, connectTimeout } })
  const own = hasClient ? [1, 2].map(() => createClient({ url, socket: { connectTimeout } })) : []
  const [client, subscriber] = await Promise.all(own.map((each) => each.connect()))
  const close = async (): Promise<void> => {
    isClosed = true
    for (const each of own) each.destroy()
    await adapter.disconnect(true).catch(() => {})
  }
  return { store: new Keyv(adapter), clients: client && subscriber && { client, subscriber }, close }
}

async function byIovalkey(url: string, hasClient: boolean): Promise<Connection> {
  // Without the right to `INFO`, which the cache does not need, it cannot ask whether the server is
  // ready.
  const one = (): Valkey => new Valkey(url, { lazyConnect: true, enableReadyCheck: false })
  const [ofStore, client, subscriber] = [one(), ...(hasClient ? [one(), one()] : [])]
  const all = [ofStore, client, subscriber].filter((each) => each !== undefined)
  await Promise.all(all.map((each) => each.connect()))
  const close = async (): Promise<void> => {
    for (const each of all) each.disconnect()
  }
  // By default the adapter also lists every key in a set, which takes further rights, and which
  // nothing needs.
  const store = new Keyv(new KeyvValkey(ofStore, { useRedisSets: false }))
  return { store, clients: client && subscriber && { client, subscriber }, close }
}

async function byPool(connectionString: string, hasClient: boolean): Promise<Connection> {
  const pool = new Pool({ connectionString, keepAlive: true, max: 4, statement_timeout: 2_000 })
  const { store, ...clients } = postgresConnections(pool)
  await pool.query('SELECT 1') // connected before the first read, as those of Redis are
  return { store, clients: hasClient ? clients : undefined, close: () => pool.end() }
}

async function byNats(servers: string, hasClient: boolean): Promise<Connection> {
  const connection = await connectToNats({ servers, maxReconnectAttempts: -1, timeout: connectTimeout })
  const { store, ...clients } = natsConnections(connection, new Kvm(connection))
  return { store, clients: hasClient ? clients : undefined, close: () => connection.close() }
}
