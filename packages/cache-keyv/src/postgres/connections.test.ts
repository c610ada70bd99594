import { createSecretsManager } from '@finchat/secrets-core'
import { makeCertificate, type Postgres, type ServerCertificate, startPostgres } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { memoryProvider, testSecretCache } from '@finchat/secrets-testkit'
import { Pool } from 'pg'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { keyvCache } from '../keyv-cache.ts'
import { context, encryptionKey, key, valueIn } from '../testing/fleet.ts'
import { postgresKind } from '../testing/engines/postgres.ts'
import { harnessOver } from '../testing/engines/harness.ts'
import { testEngine } from '../testing/engines/suite.ts'
import { createCacheTable, postgresConnections } from './connections.ts'
import { PostgresTexts } from './texts.ts'

test.each(['', 'a b', 'a;b', 'A', 'a.b.c', '"a"', 'a'.repeat(64)])('a table cannot be named %j', async (table) => {
  const pool = new Pool()
  expect(() => postgresConnections(pool, { table })).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }))
  await expect(createCacheTable(pool, { table })).rejects.toMatchObject({ code: 'CONFIGURATION' })
})

test('what is no pool, and a misspelt option, are refused', () => {
  expect(() => postgresConnections({} as never)).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }))
  expect(() => postgresConnections(new Pool(), { tabel: 'a' } as never)).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }))
})

testEngine(postgresKind, ({ engine, cacheOver }) => {
  /** Closed after the test. */
  function pooled(options: ConstructorParameters<typeof Pool>[0] = {}): Pool {
    const pool = new Pool({ connectionString: engine().postgres.url, ...options })
    onTestFinished(() => pool.end())
    return pool
  }

  test('many processes may create the table at once', async () => {
    const pool = pooled()
    await engine().postgres.query('DROP TABLE finchat_secrets_cache')
    await expect(Promise.all(Array.from({ length: 8 }, () => createCacheTable(pool)))).resolves.toHaveLength(8)
  })

  test('writes remove what has ended', async () => {
    const texts = new PostgresTexts(pooled(), 'finchat_secrets_cache')
    await texts.set('ended', 'text', 1)
    vi.spyOn(Math, 'random').mockReturnValue(0)
    onTestFinished(() => void vi.restoreAllMocks())
    await expect
      .poll(async () => {
        await texts.set('other', 'text', 60_000)
        return engine().postgres.query('SELECT key FROM finchat_secrets_cache')
      })
      .toEqual([['other']])
  })

  test('an invalidation reaches other processes, also after the server ended the connection that listens', async () => {
    const [one, other] = [await cacheOver(), await cacheOver()]
    const heard: string[] = []
    other.subscribe?.(({ path }) => heard.push(path))
    const isHeard = async (path: string): Promise<boolean> => {
      await one.invalidate({ ...key, path }, context)
      return heard.includes(path)
    }
    await expect.poll(() => isHeard('0'), { timeout: 10_000 }).toBe(true)
    for (const path of ['1', '2', '3']) {
      await engine().postgres.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")
      await expect.poll(() => isHeard(path), { timeout: 10_000, interval: 100 }).toBe(true)
    }
    const listening = "SELECT count(*)::int FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"
    expect(await engine().postgres.query(listening)).toEqual([['1']])
  })

  test('with a time limit for statements, a locked table keeps no connection, neither of the pool nor at the server', async () => {
    const { postgres, lock, unlock } = engine()
    const pool = pooled({ statement_timeout: 500, application_name: 'limited' })
    const cache = keyvCache({ ...postgresConnections(pool), encryptionKey, timeoutMs: 100 })
    onTestFinished(async () => {
      await cache.close()
      await unlock()
    })
    await lock()
    const reading = valueIn(cache).catch(() => undefined)
    const waiting = "SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'limited' AND wait_event_type = 'Lock'"
    const held = async (): Promise<unknown> => [pool.totalCount - pool.idleCount, (await postgres.query(waiting))[0]]
    await expect.poll(held, { interval: 20 }).toEqual([1, ['1']])
    await reading
    await expect.poll(held, { timeout: 10_000 }).toEqual([0, ['0']])
  })
})

describeWithServer(['postgres', 'openbao'], 'over PostgreSQL with TLS', () => {
  let tls: ServerCertificate
  let postgres: Postgres
  beforeAll(async () => {
    tls = await makeCertificate()
    postgres = await startPostgres({ tls })
    const pool = pooled(tls.ca)
    await createCacheTable(pool)
    await pool.end()
  })
  afterAll(() => postgres.stop())

  function pooled(ca: string): Pool {
    const { host, port, user } = postgres
    return new Pool({ host, port, user, database: 'postgres', ssl: { ca } })
  }

  testSecretCache({
    test,
    createHarness: () =>
      harnessOver(async () => {
        const pool = pooled(tls.ca)
        return { connections: postgresConnections(pool), close: () => pool.end() }
      }),
  })

  test('a server whose certificate another authority signed gets nothing, and reads ask the provider', async () => {
    vi.spyOn(process, 'emitWarning').mockReturnValue()
    const pool = pooled((await makeCertificate()).ca)
    await expect(createCacheTable(pool)).rejects.toThrow('unable to verify the first certificate')
    const shared = keyvCache({ ...postgresConnections(pool), encryptionKey })
    const secrets = createSecretsManager({
      providers: [memoryProvider({ sharedAs: 'store', secrets: { database: 'v1' } })],
      cache: { shared },
    })
    expect(await secrets.getSecret('database')).toBe('v1')
    await secrets.close()
    await pool.end()
    expect(shared.stats()).toMatchObject({ fills: 0, hits: 0 })
  })
})
