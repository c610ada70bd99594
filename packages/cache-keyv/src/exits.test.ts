import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Nats,
  type Postgres,
  type RedisServer,
  startNats,
  startPostgres,
  startRedis,
  startValkey,
} from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { readAndClose, runScript, type ScriptedStore, type ScriptOutcome, scriptOf } from './testing/short-script.ts'

const quiet = { stderr: '', exitCode: 0 }
const mostMs = 1_000

function expectExit({ exitMs, ...outcome }: ScriptOutcome, lines: readonly string[]): void {
  expect(outcome).toEqual({ ...quiet, lines })
  expect(exitMs).toBeLessThan(mostMs)
}

/** The first process fills the store, or the second would ask the provider too. */
async function expectFilledAndEnded(store: ScriptedStore): Promise<void> {
  expectExit(await runScript(scriptOf(store)), ['asked', 'hunter2', 'closed'])
  expectExit(await runScript(scriptOf(store)), ['hunter2', 'closed'])
}

function redisAdapter(from: string, url: string, { isConnected = true, close = ['await store.disconnect()'] } = {}): ScriptedStore {
  return {
    imports: [`import KeyvRedis from '${from}'`],
    open: [`const store = new KeyvRedis('${url}')`, ...(isConnected ? ['await store.getClient()'] : [])],
    close,
    options: newNamespace(),
  }
}

function withClients(from: string, url: string): ScriptedStore {
  return {
    imports: [`import KeyvRedis, { createClient } from '${from}'`],
    open: [
      `const client = await createClient({ url: '${url}' }).connect()`,
      'const subscriber = await client.duplicate().connect()',
      'const store = new KeyvRedis(await client.duplicate().connect())',
    ],
    close: ['client.destroy()', 'subscriber.destroy()', 'await store.disconnect()'],
    options: `, client, subscriber${newNamespace()}`,
  }
}

function withKeyv(keyv: string, from: string, url: string): ScriptedStore {
  return {
    imports: [`import KeyvRedis from '${from}'`, `import { Keyv } from '${keyv}'`],
    open: [`const adapter = new KeyvRedis('${url}')`, 'await adapter.getClient()', 'const store = new Keyv(adapter)'],
    close: ['await store.disconnect()'],
    options: newNamespace(),
  }
}

function iovalkey(url: string, hasClients: boolean): ScriptedStore {
  const one = `new Redis('${url}')`
  return {
    imports: ["import KeyvValkey from '@keyv/valkey'", "import { Redis } from 'iovalkey'"],
    open: [
      `const store = new KeyvValkey(${one}, { useRedisSets: false })`,
      ...(hasClients ? [`const client = ${one}`, `const subscriber = ${one}`] : []),
    ],
    close: [...(hasClients ? ['client.disconnect()', 'subscriber.disconnect()'] : []), 'await store.disconnect()'],
    options: `${hasClients ? ', client, subscriber' : ''}${newNamespace()}`,
  }
}

function postgresAdapter(from: string, uri: string): ScriptedStore {
  return {
    imports: [`import KeyvPostgres from '${from}'`],
    open: [`const store = new KeyvPostgres({ uri: '${uri}' })`],
    close: ['await store.disconnect()'],
    options: newNamespace(),
  }
}

function natsKv(servers: string): ScriptedStore {
  return {
    imports: [
      "import { createCacheBucket, natsConnections } from './src/nats.ts'",
      "import { Kvm } from '@nats-io/kv'",
      "import { connect } from '@nats-io/transport-node'",
    ],
    open: [
      `const connection = await connect({ servers: '${servers}', maxReconnectAttempts: -1 })`,
      'const buckets = new Kvm(connection)',
      'await createCacheBucket(buckets)',
      'const { store, client, subscriber } = natsConnections(connection, buckets)',
    ],
    close: ['await connection.close()'],
    options: `, client, subscriber${newNamespace()}`,
  }
}

function newNamespace(): string {
  return `, namespace: '${randomBytes(8).toString('hex')}'`
}

describeWithServer('redis', 'a script over Redis shares its answer, and ends by itself after close()', () => {
  let server: RedisServer
  beforeAll(async () => void (server = await startRedis()))
  afterAll(() => server.stop())

  test.each<[string, (url: string) => ScriptedStore]>([
    ['@keyv/redis 5', (url) => redisAdapter('@keyv/redis', url)],
    ['@keyv/redis 6', (url) => redisAdapter('keyv-redis6', url)],
    ['@keyv/redis 5, not connected before', (url) => redisAdapter('@keyv/redis', url, { isConnected: false })],
    ['@keyv/redis 6, not connected before', (url) => redisAdapter('keyv-redis6', url, { isConnected: false })],
    ['@keyv/redis 5 with client and subscriber', (url) => withClients('@keyv/redis', url)],
    ['@keyv/redis 6 with client and subscriber', (url) => withClients('keyv-redis6', url)],
    ['Keyv 5 around its adapter', (url) => withKeyv('keyv5', '@keyv/redis', url)],
    ['Keyv 6 around its adapter', (url) => withKeyv('keyv', 'keyv-redis6', url)],
  ])('%s', (_, storeAt) => expectFilledAndEnded(storeAt(server.url)))

  test.each(['@keyv/redis', 'keyv-redis6'])('%s, closed while the read runs', async (from) => {
    const work = ["secrets.getSecret('database').then(console.log)", 'await secrets.close()']
    expectExit(await runScript(scriptOf(redisAdapter(from, server.url), { work })), ['asked', 'hunter2', 'closed'])
  })

  test.each(['@keyv/redis', 'keyv-redis6'])('%s, closed several times', async (from) => {
    const work = [...readAndClose, 'await Promise.all([secrets.close(), secrets.close(), shared.close()])']
    expectExit(await runScript(scriptOf(redisAdapter(from, server.url), { work })), ['asked', 'hunter2', 'closed'])
  })

  const [read = ''] = readAndClose
  test.each([
    ['before the manager', ['await store.disconnect()', 'await secrets.close()']],
    ['together with the manager', ['await Promise.all([store.disconnect(), secrets.close()])']],
    ['after a close() that is not awaited', ['secrets.close()', 'await store.disconnect()']],
  ])('the store is disconnected %s', async (_, close) => {
    for (const from of ['@keyv/redis', 'keyv-redis6']) {
      const store = redisAdapter(from, server.url, { close })
      expectExit(await runScript(scriptOf(store, { work: [read] })), ['asked', 'hunter2', 'closed'])
    }
  })

  test('a read that fails, with close() in its `finally`', async () => {
    const work = ["try { await secrets.getSecret('a\\nb') } catch (error) { console.log(error.code) } finally { await secrets.close() }"]
    for (const store of [redisAdapter('keyv-redis6', server.url), withClients('@keyv/redis', server.url)])
      expectExit(await runScript(scriptOf(store, { work })), ['INVALID_ARGUMENT', 'closed'])
  })

  test('a provider that fails', async () => {
    const work = ["await secrets.getSecret('database').catch((error) => console.log(error.code))", 'await secrets.close()']
    for (const store of [redisAdapter('keyv-redis6', server.url), withClients('@keyv/redis', server.url)])
      expectExit(await runScript(scriptOf(store, { work, answer: 'await Promise.reject(new Error())' })), ['asked', 'INTERNAL', 'closed'])
  })

  test('after close() no call of the cache reaches the store', async () => {
    const key = "{ sharedAs: 'store', path: 'late' }"
    const work = [
      ...readAndClose,
      'await store.disconnect()',
      'const signal = new AbortController().signal',
      `const late = [shared.read(${key}, { signal }), shared.fill(${key}, {}, undefined, { signal }), shared.invalidate(${key}, { signal })]`,
      'console.log((await Promise.allSettled(late)).map(({ status }) => status).join())',
    ]
    for (const from of ['@keyv/redis', 'keyv-redis6']) {
      const lines = ['asked', 'hunter2', 'fulfilled,fulfilled,rejected', 'closed']
      expectExit(await runScript(scriptOf(redisAdapter(from, server.url), { work })), lines)
    }
  })
})

describeWithServer('redis', 'a script ends by itself though its cache server hangs', () => {
  const timed = ['const begun = performance.now()', 'await secrets.close()', 'console.log(performance.now() - begun < 5000)']

  test.each(['@keyv/redis', 'keyv-redis6'])('%s, hung before the first read', async (from) => {
    const server = await startRedis()
    onTestFinished(server.stop)
    const work = [`process.kill(${server.pid()}, 'SIGSTOP')`, readAndClose[0] ?? '', ...timed]
    const outcome = await runScript(scriptOf(hangingStore(from, server), { work }))
    expect(outcome).toMatchObject({ exitCode: 0, lines: ['asked', 'hunter2', 'true', 'closed'] })
    expect(outcome.stderr).toContain('no answer in time')
    expect(outcome.exitMs).toBeLessThan(mostMs)
  })

  test.each(['@keyv/redis', 'keyv-redis6'])('%s, hung when the provider answers', async (from) => {
    const server = await startRedis()
    onTestFinished(server.stop)
    const answer = `(process.kill(${server.pid()}, 'SIGSTOP'), { value: 'hunter2', version: 1 })`
    const work = [readAndClose[0] ?? '', ...timed]
    const outcome = await runScript(scriptOf(hangingStore(from, server), { work, answer }))
    expect(outcome).toMatchObject({ exitCode: 0, lines: ['asked', 'hunter2', 'true', 'closed'] })
    expect(outcome.exitMs).toBeLessThan(mostMs)
  })

  /** Forced: an orderly disconnect would wait for the server. */
  function hangingStore(from: string, server: RedisServer): ScriptedStore {
    return redisAdapter(from, server.url, { close: ['await store.disconnect(true)'] })
  }
})

describeWithServer('valkey', 'a script over Valkey shares its answer, and ends by itself after close()', () => {
  let server: RedisServer
  beforeAll(async () => void (server = await startValkey()))
  afterAll(() => server.stop())

  test.each<[string, (url: string) => ScriptedStore]>([
    ['@keyv/valkey', (url) => iovalkey(url, false)],
    ['@keyv/valkey with client and subscriber', (url) => iovalkey(url, true)],
    ['@keyv/redis 6', (url) => redisAdapter('keyv-redis6', url)],
  ])('%s', (_, storeAt) => expectFilledAndEnded(storeAt(server.url)))
})

describeWithServer('postgres', 'a script over PostgreSQL shares its answer, and ends by itself after close()', () => {
  let server: Postgres
  beforeAll(async () => void (server = await startPostgres()))
  afterAll(() => server.stop())

  test.each(['@keyv/postgres', 'keyv-postgres6'])('%s', (from) => expectFilledAndEnded(postgresAdapter(from, server.url)))
})

describeWithServer('nats', 'a script over NATS shares its answer, and ends by itself after close()', () => {
  let server: Nats
  beforeAll(async () => void (server = await startNats()))
  afterAll(() => server.stop())

  test('with client and subscriber', () => expectFilledAndEnded(natsKv(server.url)))
})

describe('a script over SQLite shares its answer, and ends by itself after close()', () => {
  test('over an adapter like those of Keyv 6', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'finchat-exits-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    await expectFilledAndEnded({
      imports: ["import { sqliteStore } from './src/testing/sqlite-store.ts'"],
      open: [`const store = sqliteStore(${JSON.stringify(join(folder, 'cache.db'))})`],
      close: ['store.close()'],
    })
  })
})
