import { createSecretsManager, type SecretsManager } from '@finchat/secrets-core'
import { type Postgres, startPostgres, startTcpProxy, type TcpProxy } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { memoryProvider, testSecretCache } from '@finchat/secrets-testkit'
import { Client, Pool } from 'pg'
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { type KeyvCache, keyvCache } from '../keyv-cache.ts'
import type { KeyvCacheOptions } from '../options.ts'
import { context, encryptionKey, fillGap, key, leaseTokenOf, valueIn } from '../testing/fleet.ts'
import { createCacheTable, postgresConnections } from './connections.ts'
import { PostgresTexts } from './texts.ts'

beforeEach(() => void vi.spyOn(process, 'emitWarning').mockReturnValue())

const canary = 'canary-81c3'
const patient = { timeoutMs: 2_000 }

test.each(['', 'a b', 'a;b', 'A', 'a.b.c', '"a"', 'a'.repeat(64)])('a table cannot be named %j', async (table) => {
  const pool = new Pool()
  expect(() => postgresConnections(pool, { table })).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }))
  await expect(createCacheTable(pool, { table })).rejects.toMatchObject({ code: 'CONFIGURATION' })
})

test('what is no pool, and a misspelt option, are refused', () => {
  expect(() => postgresConnections({} as never)).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }))
  expect(() => postgresConnections(new Pool(), { tabel: 'a' } as never)).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }))
})

describeWithServer('postgres', 'over PostgreSQL', () => {
  let postgres: Postgres
  let proxy: TcpProxy
  beforeAll(async () => {
    postgres = await startPostgres()
    proxy = await startTcpProxy(postgres.url)
  })
  beforeEach(async () => {
    await proxy.accept().catch(() => {})
    await postgres.query('DROP TABLE IF EXISTS finchat_secrets_cache')
    const pool = new Pool({ connectionString: postgres.url })
    await createCacheTable(pool)
    await pool.end()
  })
  afterAll(async () => {
    await proxy.stop()
    await postgres.stop()
  })

  let locker: Client | undefined
  /** A connection whose lock makes all others wait. It ends with the connection. */
  function locking(): { readonly query: (sql: string) => Promise<unknown>; readonly end: () => Promise<void> } {
    const client = (locker ??= new Client({ connectionString: postgres.url }))
    return {
      query: async (sql) => {
        await client.connect()
        await client.query(sql)
      },
      end: () => {
        locker = undefined
        return client.end()
      },
    }
  }

  /** The proxy's URL has no user. */
  function proxied(): string {
    return postgres.url.replace(`:${postgres.port}/`, `:${new URL(proxy.url).port}/`)
  }

  function opened(url: string = postgres.url): Pool {
    const pool = new Pool({ connectionString: url })
    pool.on('error', () => {})
    return pool
  }

  /** Closed after the test, the cache first. */
  function cacheOver(options: Partial<KeyvCacheOptions> = {}, url?: string): KeyvCache {
    const pool = opened(url)
    const cache = keyvCache({ ...postgresConnections(pool), encryptionKey, ...patient, ...options })
    onTestFinished(async () => {
      await cache.close()
      await pool.end()
    })
    return cache
  }

  function managerOver(shared: KeyvCache, provider: ReturnType<typeof memoryProvider>): SecretsManager {
    const secrets = createSecretsManager({ providers: [provider], cache: { shared, recheckSeconds: 1 } })
    onTestFinished(() => secrets.close())
    return secrets
  }

  testSecretCache({
    test,
    createHarness: async () => {
      const pools = [opened(), opened()]
      let isBroken = false
      const breakable = (pool: Pool): Pool =>
        new Proxy(pool, {
          get: (target, member) => {
            const call: unknown = Reflect.get(target, member)
            if (typeof call !== 'function') return call
            return (...args: unknown[]) =>
              isBroken && member !== 'on' ? Promise.reject(new Error('down')) : Reflect.apply(call, target, args)
          },
        })
      const [cache, another] = pools.map((pool) =>
        keyvCache({ ...postgresConnections(breakable(pool)), encryptionKey, timeoutMs: 500, waitMs: 600 }),
      ) as [KeyvCache, KeyvCache] // one of each
      const breakCache = async (): Promise<() => Promise<void>> => {
        isBroken = true
        return async () => void (isBroken = false)
      }
      return { cache, another, breakCache, close: async () => void (await Promise.all(pools.map((pool) => pool.end()))) }
    },
  })

  test('many processes may create the table at once', async () => {
    const pool = opened()
    onTestFinished(() => pool.end())
    await postgres.query('DROP TABLE finchat_secrets_cache')
    await expect(Promise.all(Array.from({ length: 8 }, () => createCacheTable(pool)))).resolves.toHaveLength(8)
  })

  test('of twenty processes one gets the fill lease, and another one when its time is over by the clock of the server', async () => {
    const pool = opened()
    onTestFinished(() => pool.end())
    const texts = new PostgresTexts(pool, 'finchat_secrets_cache')
    const claim = (name: string, ms: number): Promise<boolean> => texts.set(name, 'mine', ms, { isNew: true })
    // Longer than a busy machine takes for all of them.
    const claims = await Promise.all(Array.from({ length: 20 }, () => claim('lease', 60_000)))
    expect(claims.filter(Boolean)).toHaveLength(1)
    expect(await claim('brief lease', 200)).toBe(true)
    await expect.poll(() => claim('brief lease', 200)).toBe(true)
  })

  test('writes remove what has ended', async () => {
    const pool = opened()
    onTestFinished(() => pool.end())
    const texts = new PostgresTexts(pool, 'finchat_secrets_cache')
    await texts.set('ended', 'text', 1)
    vi.spyOn(Math, 'random').mockReturnValue(0)
    onTestFinished(() => void vi.restoreAllMocks())
    await expect
      .poll(async () => {
        await texts.set('other', 'text', 60_000)
        return postgres.query('SELECT key FROM finchat_secrets_cache')
      })
      .toEqual([['other']])
  })

  test('the table reveals no name, value or namespace, and each text ends', async () => {
    await fillGap(cacheOver({ namespace: 'payments' }), { value: canary, revision: canary })
    const rows = await postgres.query('SELECT key, value, until FROM finchat_secrets_cache')
    expect(rows.length).toBeGreaterThan(1)
    const text = JSON.stringify(rows)
    // Shorter words stand in random text by chance.
    for (const word of [canary, 'database', 'payments', 'revision'])
      for (const encoding of ['utf8', 'hex', 'base64', 'base64url'] as const)
        expect(text).not.toContain(Buffer.from(word).toString(encoding).replace(/=+$/, ''))
  })

  test('an invalidation reaches other processes, also after the server ended the connection that listens', async () => {
    const [one, other] = [cacheOver(), cacheOver()]
    const heard: string[] = []
    other.subscribe?.(({ path }) => heard.push(path))
    const isHeard = async (path: string): Promise<boolean> => {
      await one.invalidate({ ...key, path }, context)
      return heard.includes(path)
    }
    await expect.poll(() => isHeard('first'), { timeout: 10_000 }).toBe(true)
    await postgres.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")
    await expect.poll(() => isHeard('second'), { timeout: 10_000, interval: 200 }).toBe(true)
  })

  test('a user without rights is counted as denied, and reads ask the provider', async () => {
    await postgres.query("CREATE ROLE reader LOGIN PASSWORD 'reader'")
    onTestFinished(async () => void (await postgres.query('DROP ROLE reader')))
    const cache = cacheOver({}, postgres.url.replace('postgres@', 'reader:reader@'))
    const secrets = managerOver(cache, memoryProvider({ sharedAs: 'store', secrets: { database: canary } }))
    expect(await secrets.getSecret('database')).toBe(canary)
    expect(cache.stats().failures.denied).toBeGreaterThan(0)
  })

  test.each<[string, () => Promise<void>, () => Promise<void>]>([
    ['refuses connections', () => proxy.refuse(), () => proxy.accept()],
    ['resets them', async () => proxy.cut(), async () => {}],
    [
      'cuts its answers',
      async () => {
        proxy.cutReplies(3)
        proxy.cut()
      },
      async () => {
        proxy.cutReplies(undefined)
        proxy.cut()
      },
    ],
    [
      'lost its table',
      async () => void (await postgres.query('ALTER TABLE finchat_secrets_cache RENAME TO lost')),
      async () => void (await postgres.query('ALTER TABLE lost RENAME TO finchat_secrets_cache')),
    ],
    ['does not answer', async () => void (await locking().query('BEGIN; LOCK TABLE finchat_secrets_cache')), () => locking().end()],
  ])('while the server %s no read fails or is wrong, and afterwards it is used again', { timeout: 60_000 }, async (_, begin, end) => {
    const provider = memoryProvider({ sharedAs: 'store', secrets: { database: 'v1', other: 'v1' } })
    const caches = [1, 2].map(() => cacheOver({ timeoutMs: 200, coolDownMs: 300 }, proxied()))
    const [one, other] = caches.map((cache) => managerOver(cache, provider)) as [SecretsManager, SecretsManager]
    await one.getSecret('database')
    await other.getSecret('database')
    await begin()
    await one.rotateSecret('database', 'v2').catch(() => {})
    for (let n = 0; n < 10; n += 1) {
      expect(await one.getSecret('database')).toBe('v2')
      expect(['v1', 'v2']).toContain(await other.getSecret('database'))
      expect(await other.getSecret('other', { fresh: true })).toBe('v1')
    }
    await end()
    const isUsed = async (): Promise<boolean> => {
      await fillGap(caches[0] ?? cacheOver(), { value: 'again' }).catch(() => {})
      return (await valueIn(caches[1] ?? cacheOver())) === 'again'
    }
    await expect.poll(isUsed, { timeout: 20_000, interval: 200 }).toBe(true)
    const isNew = async (): Promise<string> => (await one.getSecret('database')) && other.getSecret('database')
    await expect.poll(isNew, { timeout: 20_000, interval: 200 }).toBe('v2')
  })

  test('with a time limit for statements, a locked table keeps no connection, neither of the pool nor at the server', async () => {
    const pool = new Pool({ connectionString: postgres.url, statement_timeout: 500, application_name: 'limited' })
    const cache = keyvCache({ ...postgresConnections(pool), encryptionKey, timeoutMs: 100 })
    const lock = locking()
    onTestFinished(async () => {
      await cache.close()
      await lock.end()
      await pool.end()
    })
    await lock.query('BEGIN; LOCK TABLE finchat_secrets_cache')
    const reading = valueIn(cache).catch(() => undefined)
    const waiting = "SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'limited' AND wait_event_type = 'Lock'"
    const held = async (): Promise<unknown> => [pool.totalCount - pool.idleCount, (await postgres.query(waiting))[0]]
    await expect.poll(held, { interval: 20 }).toEqual([1, ['1']])
    await reading
    await expect.poll(held, { timeout: 10_000 }).toEqual([0, ['0']])
  })

  test('a lease of a process that died is granted anew', async () => {
    const [dead, next] = [cacheOver({ waitMs: 400 }), cacheOver({ waitMs: 4_000 })]
    expect(await leaseTokenOf(dead)).toHaveProperty('lease')
    expect(await leaseTokenOf(next)).toHaveProperty('lease')
  })
})
