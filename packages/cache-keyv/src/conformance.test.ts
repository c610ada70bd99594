import KeyvRedis, { createClient } from '@keyv/redis'
import { type RedisServer, startRedis, startValkey } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { type SecretCacheHarness, testSecretCache } from '@finchat/secrets-testkit'
import { Redis as Valkey } from 'iovalkey'
import { Keyv } from 'keyv'
import KeyvRedis6 from 'keyv-redis6'
import { Keyv as Keyv5 } from 'keyv5'
import { afterAll, beforeAll, beforeEach, describe, test, vi } from 'vitest'
import { generateKey } from '@finchat/secrets-core/sealing'
import { keyvCache } from './keyv-cache.ts'
import type { KeyvCacheOptions } from './options.ts'
import { faultyStore } from './testing/stores.ts'
import { sqliteStore } from './testing/sqlite-store.ts'
import type { RedisClient, RedisSubscriber } from './store/redis-client.ts'
import type { KeyvStore } from './store/text-store.ts'

beforeEach(() => void vi.spyOn(process, 'emitWarning').mockReturnValue())

type Options = Omit<KeyvCacheOptions, 'encryptionKey'>

/** A store that fails every call while `broken`. */
function breakable(store: KeyvStore): { store: KeyvStore; broken: boolean } {
  const run = <T>(call: () => T): T => {
    if (trial.broken) throw new Error('down')
    return call()
  }
  const trial = {
    broken: false,
    store: {
      get: async (key: string) => run(() => store.get(key)),
      set: async (key: string, value: string, ttl?: number) => run(() => store.set(key, value, ttl)),
      delete: async (key: string) => run(() => store.delete(key)),
      getMany: 'getMany' in store ? async (keys: string[]) => run(() => Reflect.apply(Object(store.getMany), store, [keys])) : undefined,
    },
  }
  return trial
}

/** The client fails with the store. */
function breakableClient(client: RedisClient, trial: { readonly broken: boolean }): RedisClient {
  return new Proxy(client, {
    get: (target, member) => {
      const call: unknown = Reflect.get(target, member)
      if (typeof call !== 'function') return call
      return (...args: unknown[]) => (trial.broken ? Promise.reject(new Error('down')) : Reflect.apply(call, target, args))
    },
  })
}

/**
 * Two processes with one key, each over what `open` returns. The long timeout is for loaded
 * machines.
 */
async function harnessOver(open: () => Promise<Options>, end: () => Promise<void> = async () => {}): Promise<SecretCacheHarness> {
  const encryptionKey = generateKey()
  const processes = await Promise.all(
    [1, 2].map(async () => {
      const { store, client: given, ...options } = await open()
      const trial = breakable(store)
      const client = given && breakableClient(given, trial)
      return { trial, cache: keyvCache({ ...options, client, store: trial.store, encryptionKey, timeoutMs: 500, waitMs: 600 }) }
    }),
  )
  const [one, another] = processes
  if (one === undefined || another === undefined) throw new Error('two are made')
  const set = (broken: boolean): void => {
    for (const { trial } of processes) trial.broken = broken
  }
  const breakCache = async (): Promise<() => Promise<void>> => {
    set(true)
    return async () => set(false)
  }
  return { cache: one.cache, another: another.cache, breakCache, close: end }
}

describe('over a store that ignores every TTL', () => {
  testSecretCache({
    test,
    createHarness: async () => {
      const store = faultyStore()
      return harnessOver(async () => ({ store }))
    },
  })
})

describe('over a Keyv over a Map', () => {
  testSecretCache({
    test,
    createHarness: async () => {
      const map = new Map()
      return harnessOver(async () => ({ store: new Keyv(map) }))
    },
  })
})

describe('over a Keyv 5 over a Map', () => {
  testSecretCache({
    test,
    createHarness: async () => {
      const map = new Map()
      return harnessOver(async () => ({ store: new Keyv5({ store: map }) }))
    },
  })
})

describe('over SQLite', () => {
  testSecretCache({
    test,
    createHarness: async () => {
      const store = sqliteStore(':memory:')
      return harnessOver(
        async () => ({ store: new Keyv(store) }),
        async () => store.close(),
      )
    },
  })
})

describeWithServer('redis', 'over Redis', () => {
  let redis: RedisServer
  beforeAll(async () => void (redis = await startRedis()))
  afterAll(() => redis.stop())

  interface Opened {
    readonly store: KeyvStore
    readonly close: () => Promise<void>
  }

  /** What `npm install` gives first, then the candidate. */
  const adapters: readonly [string, () => Opened][] = [
    ['@keyv/redis 5', () => opened(new KeyvRedis<string>(redis.url), (adapter) => new Keyv5(adapter))],
    ['the candidate of @keyv/redis 6', () => opened(new KeyvRedis6<string>(redis.url), (adapter) => new Keyv(adapter))],
  ]

  function opened<A extends { disconnect: (force: boolean) => Promise<void> }>(adapter: A, wrap: (adapter: A) => KeyvStore): Opened {
    return { store: wrap(adapter), close: () => adapter.disconnect(true) }
  }

  async function connected(ends: (() => unknown)[]): Promise<RedisClient & RedisSubscriber> {
    const client = createClient({ url: redis.url })
    client.on('error', () => {})
    await client.connect()
    ends.push(() => client.destroy())
    return client
  }

  describe.each(adapters)('by a Keyv over %s', (_, open) => {
    testSecretCache({
      test,
      createHarness: async () => {
        const ends: (() => unknown)[] = []
        return harnessOver(
          async () => {
            const { store, close } = open()
            ends.push(close)
            return { store }
          },
          async () => void (await Promise.all(ends.map((end) => end()))),
        )
      },
    })
  })

  describe.each(adapters)('by a Keyv over %s, with client and subscriber', (_, open) => {
    testSecretCache({
      test,
      createHarness: async () => {
        const ends: (() => unknown)[] = []
        return harnessOver(
          async () => {
            const { store, close } = open()
            ends.push(close)
            return { store, client: await connected(ends), subscriber: await connected(ends) }
          },
          async () => void (await Promise.all(ends.map((end) => end()))),
        )
      },
    })
  })
})

describeWithServer('valkey', 'over Valkey, by an adapter and a client of the ioredis family', () => {
  let valkey: RedisServer
  beforeAll(async () => void (valkey = await startValkey()))
  afterAll(() => valkey.stop())

  testSecretCache({
    test,
    createHarness: async () => {
      const clients: Valkey[] = []
      const connected = (): Valkey => {
        const client = new Valkey(valkey.port)
        clients.push(client)
        return client
      }
      return harnessOver(
        async () => {
          const client = connected()
          const store: KeyvStore = {
            get: (key) => client.get(key),
            set: (key, value, ttl) => client.set(key, value, 'PX', ttl ?? 1),
            delete: (key) => client.del(key),
          }
          return { store, client, subscriber: connected() }
        },
        async () => {
          for (const client of clients) client.disconnect()
        },
      )
    },
  })
})
