import { readFileSync } from 'node:fs'
import { createCluster } from '@keyv/redis'
import { createSecretsManager, type SecretsManager } from '@finchat/secrets-core'
import { managerStatus } from '@finchat/secrets-core/live'
import { pause } from '@finchat/secrets-core/provider'
import {
  type RedisServer,
  startTlsProxy,
  startValkey,
  startValkeyCluster,
  type TlsProxy,
  type ValkeyCluster,
} from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { memoryProvider, testSecretCache } from '@finchat/secrets-testkit'
import { Cluster, Redis as Valkey } from 'iovalkey'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { keyvCache } from './keyv-cache.ts'
import { harnessOver, type Opened } from './testing/engines/harness.ts'
import { storeOver } from './testing/engines/redis.ts'
import { context, encryptionKey, fillGap, key, valueIn } from './testing/fleet.ts'

beforeEach(() => void vi.spyOn(process, 'emitWarning').mockReturnValue())

describeWithServer('valkey', 'over a cluster', () => {
  let cluster: ValkeyCluster
  beforeAll(async () => void (cluster = await startValkeyCluster()), 60_000)
  afterAll(() => cluster.stop())

  const byIovalkey = async (): Promise<Opened> => {
    const connected = (): Cluster =>
      new Cluster(
        cluster.nodes.map(({ host, port }) => ({ host, port })),
        { slotsRefreshTimeout: 10_000 },
      )
    const [client, subscriber] = [connected(), connected()]
    const close = (): void => {
      for (const each of [client, subscriber]) each.disconnect()
    }
    return { connections: { store: storeOver(client), client, subscriber }, close }
  }

  const byNodeRedis = async (): Promise<Opened> => {
    const client = createCluster({ rootNodes: cluster.nodes.map(({ url }) => ({ url })) })
    client.on('error', () => {})
    await client.connect()
    const store = {
      get: async (name: string) => (await client.get(name)) ?? undefined,
      set: async (name: string, text: string, ttl = 1) => (await client.set(name, text, { PX: ttl })) === 'OK',
      delete: async (name: string) => (await client.del(name)) === 1,
    }
    return { connections: { store, client }, close: () => client.destroy() }
  }

  describe.each([
    ['iovalkey', byIovalkey],
    ['node-redis', byNodeRedis],
  ] as const)('by %s', (_, open) => {
    testSecretCache({ test, createHarness: () => harnessOver(open) })
  })

  test('secrets spread over all nodes, and all keys of one secret lie on one', async () => {
    const { connections, close } = await byIovalkey()
    const cache = keyvCache({ ...connections, encryptionKey, timeoutMs: 2_000 })
    onTestFinished(() => cache.close().then(close))
    for (let n = 0; n < 30; n += 1) await fillGap(cache, { value: 'v' }, {}, { ...key, path: `secret/${n}` })
    const keys = await Promise.all(cluster.nodes.map(async (node) => (await node.command('KEYS', 'fs1:{*')) as readonly string[]))
    const tags = keys.map((names) => new Set(names.map((name) => name.slice(0, name.indexOf('}')))))
    expect(tags.every(({ size }) => size > 0)).toBe(true)
    expect(new Set(tags.flatMap((each) => [...each])).size).toBe(tags.reduce((sum, { size }) => sum + size, 0))
  })

  test('while one node is down no read fails or is wrong, and the others are used', { timeout: 60_000 }, async () => {
    const { connections, close } = await byIovalkey()
    const cache = keyvCache({ ...connections, encryptionKey, timeoutMs: 200, coolDownMs: 200 })
    const names = Array.from({ length: 12 }, (_, n) => `secret-${n}`)
    const provider = memoryProvider({ sharedAs: 'store', secrets: Object.fromEntries(names.map((name) => [name, `the value of ${name}`])) })
    const secrets = createSecretsManager({ providers: [provider], cache: { shared: cache } })
    onTestFinished(() =>
      secrets
        .close()
        .then(() => cache.close())
        .then(close),
    )
    await secrets.getSecrets(names)
    const signal = (name: NodeJS.Signals): void => cluster.nodes[2]?.signal(name)
    signal('SIGSTOP')
    onTestFinished(() => signal('SIGCONT'))
    for (const name of names) expect(await secrets.getSecret(name, { fresh: true })).toBe(`the value of ${name}`)
    signal('SIGCONT')
    const isUsed = async (): Promise<boolean> => {
      const all = names.map((path) => ({ ...key, path }))
      for (const at of all) await fillGap(cache, { value: 'again' }, {}, at).catch(() => {})
      return (await Promise.all(all.map((at) => valueIn(cache, at)))).every((value) => value === 'again')
    }
    await expect.poll(isUsed, { timeout: 30_000, interval: 500 }).toBe(true)
    await cache.invalidate({ ...key, path: 'secret-0' }, context)
  })

  test('what was written while two nodes were away shows in others once its node is back', { timeout: 300_000 }, async () => {
    const names = Array.from({ length: 40 }, (_, n) => `written-${n}`)
    const provider = memoryProvider({ sharedAs: 'store', secrets: Object.fromEntries(names.map((name) => [name, 'v1'])) })
    const processOf = async (): Promise<SecretsManager> => {
      const { connections, close } = await byIovalkey()
      const cache = keyvCache({ ...connections, encryptionKey, namespace: 'written', timeoutMs: 200, coolDownMs: 200 })
      const secrets = createSecretsManager({ providers: [provider], cache: { shared: cache } })
      onTestFinished(() => secrets.close().then(close, close))
      return secrets
    }
    // Else the others refuse everything, once they agree that a node is gone.
    const wholeness = (needed: string): Promise<unknown> =>
      Promise.all(cluster.nodes.map((node) => node.command('CONFIG', 'SET', 'cluster-require-full-coverage', needed)))
    await wholeness('no')
    onTestFinished(async () => void (await wholeness('yes')))
    const [writer, reader] = [await processOf(), await processOf()]
    for (const secrets of [writer, reader]) await secrets.getSecrets(names)
    const stop = (node: number): void => {
      cluster.nodes[node]?.signal('SIGSTOP')
      onTestFinished(() => cluster.nodes[node]?.signal('SIGCONT'))
    }
    const unacknowledged = async (written: readonly string[]): Promise<readonly string[]> => {
      const results = await Promise.allSettled(written.map((name) => writer.rotateSecret(name, 'v2')))
      return written.filter((_, index) => results[index]?.status === 'rejected')
    }
    stop(2)
    const ofStopped = await unacknowledged(names)
    stop(1)
    const ofReturning = await unacknowledged(names.filter((name) => !ofStopped.includes(name)))
    expect([ofStopped.length > 2, ofReturning.length > 2]).toEqual([true, true])
    // The pauses grow meanwhile.
    await pause(20_000)
    cluster.nodes[1]?.signal('SIGCONT')
    const pending = (): number | undefined => managerStatus(writer).shared?.pendingInvalidations
    await expect.poll(pending, { timeout: 70_000, interval: 100 }).toBeLessThanOrEqual(ofStopped.length)
    const seen = async (): Promise<unknown> => Promise.all(ofReturning.map((name) => reader.getSecret(name)))
    await expect.poll(seen, { timeout: 60_000, interval: 100 }).toEqual(ofReturning.map(() => 'v2'))
    cluster.nodes[2]?.signal('SIGCONT')
    await expect.poll(pending, { timeout: 70_000, interval: 100 }).toBe(0)
  })
})

describeWithServer(['valkey', 'openbao'], 'over TLS', () => {
  let valkey: RedisServer
  let proxy: TlsProxy
  beforeAll(async () => {
    valkey = await startValkey()
    proxy = await startTlsProxy(`http://127.0.0.1:${valkey.port}`, 'TLSv1.3')
  }, 60_000)
  afterAll(async () => {
    await proxy.stop()
    await valkey.stop()
  })

  const port = (): number => Number(new URL(proxy.url).port)
  const trusted = (): Buffer => readFileSync(proxy.clientEnvironment('1.3')['NODE_EXTRA_CA_CERTS'] ?? '')

  const open = async (): Promise<Opened> => {
    const connected = (): Valkey => new Valkey({ host: '127.0.0.1', port: port(), tls: { ca: trusted() } })
    const [client, subscriber] = [connected(), connected()]
    const close = (): void => {
      for (const each of [client, subscriber]) each.disconnect()
    }
    return { connections: { store: storeOver(client), client, subscriber }, close }
  }

  testSecretCache({ test, createHarness: () => harnessOver(open) })

  test('a server whose certificate is not trusted gets nothing, and reads ask the provider', async () => {
    const client = new Valkey({ host: '127.0.0.1', port: port(), tls: {}, retryStrategy: () => null })
    client.on('error', () => {})
    const cache = keyvCache({ store: storeOver(client), client, encryptionKey })
    const provider = memoryProvider({ sharedAs: 'store', secrets: { database: 'v1' } })
    const secrets = createSecretsManager({ providers: [provider], cache: { shared: cache } })
    onTestFinished(() =>
      secrets
        .close()
        .then(() => cache.close())
        .then(() => client.disconnect()),
    )
    expect(await secrets.getSecret('database')).toBe('v1')
    expect(await valkey.command('GET', 'nothing')).toBeNull()
    expect(cache.stats()).toMatchObject({ fills: 0, hits: 0 })
  })
})
