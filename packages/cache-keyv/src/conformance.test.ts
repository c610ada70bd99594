import KeyvRedis, { createClient } from '@keyv/redis'
import { type RedisServer, startRedis } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { testSecretCache } from '@finchat/secrets-testkit'
import { Keyv } from 'keyv'
import KeyvRedis6 from 'keyv-redis6'
import { Keyv as Keyv5 } from 'keyv5'
import { afterAll, beforeAll, beforeEach, describe, test, vi } from 'vitest'
import { harnessOver, type Opened } from './testing/engines/harness.ts'
import { faultyStore } from './testing/stores.ts'
import { sqliteStore } from './testing/sqlite-store.ts'
import type { RedisClient, RedisSubscriber } from './store/redis-client.ts'
import type { KeyvStore } from './store/text-store.ts'

beforeEach(() => void vi.spyOn(process, 'emitWarning').mockReturnValue())

const inProcess: readonly [title: string, open: () => Opened][] = [
  ['a store that ignores every TTL', () => kept(faultyStore())],
  ['a Keyv over a Map', () => kept(new Keyv(new Map()))],
  ['a Keyv 5 over a Map', () => kept(new Keyv5({ store: new Map() }))],
  ['SQLite', () => overSqlite()],
]

function kept(store: KeyvStore): Opened {
  return { connections: { store }, close: () => {} }
}

function overSqlite(): Opened {
  const store = sqliteStore(':memory:')
  return { connections: { store: new Keyv(store) }, close: () => store.close() }
}

describe.each(inProcess)('over %s', (_, open) => {
  testSecretCache({
    test,
    createHarness: async () => {
      const opened = open()
      return harnessOver(async () => opened)
    },
  })
})

describeWithServer('redis', 'over Redis', () => {
  let redis: RedisServer
  beforeAll(async () => void (redis = await startRedis()))
  afterAll(() => redis.stop())

  /** What `npm install` gives first, then the candidate. */
  const adapters: readonly [string, () => Opened][] = [
    ['@keyv/redis 5', () => adapted(new KeyvRedis<string>(redis.url), (adapter) => new Keyv5(adapter))],
    ['the candidate of @keyv/redis 6', () => adapted(new KeyvRedis6<string>(redis.url), (adapter) => new Keyv(adapter))],
  ]

  function adapted<A extends { disconnect: (force: boolean) => Promise<void> }>(adapter: A, wrap: (adapter: A) => KeyvStore): Opened {
    return { connections: { store: wrap(adapter) }, close: () => adapter.disconnect(true) }
  }

  async function connected(): Promise<RedisClient & RedisSubscriber & { readonly destroy: () => void }> {
    const client = createClient({ url: redis.url })
    client.on('error', () => {})
    await client.connect()
    return client
  }

  async function withClients({ connections, close }: Opened): Promise<Opened> {
    const [client, subscriber] = [await connected(), await connected()]
    const closeAll = async (): Promise<void> => {
      for (const each of [client, subscriber]) each.destroy()
      await close()
    }
    return { connections: { ...connections, client, subscriber }, close: closeAll }
  }

  describe.each(adapters)('by a Keyv over %s', (_, open) => {
    testSecretCache({ test, createHarness: () => harnessOver(async () => open()) })
  })

  describe.each(adapters)('by a Keyv over %s, with client and subscriber', (_, open) => {
    testSecretCache({ test, createHarness: () => harnessOver(() => withClients(open())) })
  })
})
