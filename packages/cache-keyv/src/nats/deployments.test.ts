import { setTimeout as sleep } from 'node:timers/promises'
import { createSecretsManager, type SecretsManager } from '@finchat/secrets-core'
import {
  freePort,
  makeCertificate,
  type Nats,
  type NatsCluster,
  type ServerCertificate,
  startNats,
  startNatsCluster,
} from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { memoryProvider, testSecretCache } from '@finchat/secrets-testkit'
import { jetstream } from '@nats-io/jetstream'
import { Kvm } from '@nats-io/kv'
import { connect, type ConnectionOptions, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { type KeyvCache, keyvCache } from '../keyv-cache.ts'
import { harnessOver } from '../testing/engines/harness.ts'
import { usual } from '../testing/engines/nats.ts'
import { context, encryptionKey, fillGap, key, valueIn } from '../testing/fleet.ts'
import { createCacheBucket, natsConnections } from './connections.ts'
import { NatsTexts } from './texts.ts'

beforeEach(() => void vi.spyOn(process, 'emitWarning').mockReturnValue())

/** Closed after the test. */
async function connected(options: ConnectionOptions): Promise<NatsConnection> {
  const connection = await connect({ maxReconnectAttempts: -1, reconnectTimeWait: 50, ...options })
  onTestFinished(() => connection.close())
  return connection
}

/** Closed after the test, before its connection. */
function cacheOver(connection: NatsConnection, buckets: Kvm = new Kvm(connection), timeoutMs = 1_000): KeyvCache {
  const cache = keyvCache({ ...natsConnections(connection, buckets), encryptionKey, timeoutMs, coolDownMs: 300 })
  onTestFinished(() => cache.close())
  return cache
}

function managerOver(shared: KeyvCache, provider: ReturnType<typeof memoryProvider>): SecretsManager {
  const secrets = createSecretsManager({ providers: [provider], cache: { shared, recheckSeconds: 1 } })
  onTestFinished(() => secrets.close())
  return secrets
}

async function untilHeard(from: KeyvCache, by: KeyvCache, path: string): Promise<void> {
  const heard: string[] = []
  const end = by.subscribe?.((announced) => heard.push(announced.path))
  const isHeard = async (): Promise<boolean> => {
    await from.invalidate({ ...key, path }, context).catch(() => {})
    return heard.includes(path)
  }
  await expect.poll(isHeard, { timeout: 30_000, interval: 200 }).toBe(true)
  end?.()
}

describeWithServer('nats', 'over a cluster of NATS servers', () => {
  let cluster: NatsCluster
  let admin: NatsConnection
  beforeAll(async () => {
    cluster = await startNatsCluster()
    admin = await connect({ servers: servers(), maxReconnectAttempts: -1, reconnectTimeWait: 50 })
    await createCacheBucket(new Kvm(admin), { replicas: 3 })
    await leader()
  })
  afterAll(async () => {
    await admin.close()
    await cluster.stop()
  })

  const servers = (): string[] => cluster.nodes.map(({ url }) => url)

  /** Once it is elected and all servers have what it has: in an election calls fail at once. */
  async function leader(): Promise<Nats> {
    const { streams } = await new Kvm(admin).js.jetstreamManager(false) // which asks nothing: the servers may be electing
    const find = async (): Promise<Nats> => {
      const group = (await streams.info(`KV_${usual}`)).cluster
      const followers = group?.replicas ?? []
      const node = cluster.nodes[Number(group?.leader ?? NaN)]
      if (node !== undefined && followers.length === cluster.nodes.length - 1 && followers.every(({ current }) => current)) return node
      throw new Error('the servers of the bucket are not whole')
    }
    return vi.waitFor(find, { timeout: 60_000, interval: 200 })
  }

  testSecretCache({
    test,
    createHarness: () =>
      harnessOver(async () => {
        const connection = await connect({ servers: servers() })
        return { connections: natsConnections(connection, new Kvm(connection)), close: () => connection.close() }
      }),
  })

  test('the end of a text removes none that was written as it ended', { timeout: 120_000 }, async () => {
    const texts = new NatsTexts(new Kvm(admin), usual)
    const lost: string[] = []
    const write = async (name: string): Promise<void> => {
      await texts.set(name, 'former', 1_000)
      await sleep(950 + Math.random() * 500) // the servers' clocks end it
      await texts.set(name, 'next', 60_000)
      await sleep(500)
      if ((await texts.getMany([name]))[0] !== 'next') lost.push(name)
    }
    for (let round = 0; round < 3; round += 1) await Promise.all(Array.from({ length: 4_000 }, (_, n) => write(`${round}-${n}`)))
    expect(lost).toEqual([])
  })

  test(
    'when the leader of the bucket is killed, reads go on and are right, and announcements arrive again',
    { timeout: 180_000 },
    async () => {
      const names = Array.from({ length: 10 }, (_, n) => `secret-${n}`)
      const provider = memoryProvider({ sharedAs: 'store', secrets: Object.fromEntries(names.map((name) => [name, 'v1'])) })
      const caches = [cacheOver(await connected({ servers: servers() })), cacheOver(await connected({ servers: servers() }))] as const
      const [writer, reader] = [managerOver(caches[0], provider), managerOver(caches[1], provider)]
      for (const name of names) expect([await writer.getSecret(name), await reader.getSecret(name)]).toEqual(['v1', 'v1'])
      await untilHeard(...caches, 'before')

      const killed = await leader()
      await killed.kill()
      for (const name of names) {
        const isWritten = writer.rotateSecret(name, 'v2').then(
          () => true,
          () => false,
        )
        expect(['v1', 'v2']).toContain(await reader.getSecret(name))
        await isWritten
        expect(await writer.getSecret(name)).toBe('v2')
        expect(['v1', 'v2']).toContain(await reader.getSecret(name))
      }
      for (const name of names) await expect.poll(() => reader.getSecret(name), { timeout: 30_000, interval: 100 }).toBe('v2')
      await untilHeard(...caches, 'after')
      const isUsed = async (): Promise<boolean> => {
        await fillGap(caches[0], { value: 'again' }).catch(() => {})
        return (await valueIn(caches[1])) === 'again'
      }
      await expect.poll(isUsed, { timeout: 30_000, interval: 200 }).toBe(true)
      await killed.start()
    },
  )

  test(
    'what was written while most servers were away shows in others after their return, though its writer reads nothing',
    { timeout: 180_000 },
    async () => {
      const provider = memoryProvider({ sharedAs: 'store', secrets: { a: 'v1', b: 'v1' } })
      const [writing, reading] = [await connected({ servers: servers() }), await connected({ servers: servers() })]
      const [writer, reader] = [managerOver(cacheOver(writing), provider), managerOver(cacheOver(reading), provider)]
      for (const name of ['a', 'b']) expect([await writer.getSecret(name), await reader.getSecret(name)]).toEqual(['v1', 'v1'])

      const first = await leader()
      const killed = [first, ...cluster.nodes.filter((node) => node !== first).slice(0, 1)]
      for (const node of killed) await node.kill()
      for (const name of ['a', 'b']) {
        await expect(writer.rotateSecret(name, 'v2')).rejects.toMatchObject({ code: 'UNAVAILABLE', effect: 'done' })
      }
      for (const node of killed) await node.start()
      for (const name of ['a', 'b']) await expect.poll(() => reader.getSecret(name), { timeout: 70_000, interval: 100 }).toBe('v2')
    },
  )
})

describeWithServer('nats', 'over a bucket of another JetStream domain', () => {
  test('only that is written to, though the own domain has a bucket of that name', async () => {
    const port = await freePort()
    const hub = await startNats({ config: `server_name: hub\njetstream { domain: hub }\nleafnodes { listen: "127.0.0.1:${port}" }` })
    onTestFinished(hub.stop)
    const remote = `leafnodes { remotes: [{ url: "nats-leaf://127.0.0.1:${port}" }] }`
    const leaf = await startNats({ config: `server_name: leaf\njetstream { domain: leaf }\n${remote}` })
    onTestFinished(leaf.stop)
    const atHub = new Kvm(await connected({ servers: hub.url }))
    const connection = await connected({ servers: leaf.url })
    const [atLeaf, hubFromLeaf] = [new Kvm(connection), new Kvm(jetstream(connection, { domain: 'hub' }))]
    await createCacheBucket(atLeaf)
    await expect
      .poll(
        () =>
          createCacheBucket(hubFromLeaf).then(
            () => true,
            () => false,
          ),
        { timeout: 10_000 },
      )
      .toBe(true)

    const cache = cacheOver(connection, hubFromLeaf, 10_000)
    await fillGap(cache, { value: 'v' })
    expect(await valueIn(cache)).toBe('v')
    await cache.invalidate(key, context)
    const heldBy = async (buckets: Kvm): Promise<number> => (await (await buckets.open(usual)).status()).values
    expect(await heldBy(atLeaf)).toBe(0)
    expect(await heldBy(atHub)).toBeGreaterThan(0)
    expect(cache.stats().failures).toEqual({ timeout: 0, denied: 0, full: 0, failed: 0 })
  })
})

describeWithServer(['nats', 'openbao'], 'over NATS with TLS', () => {
  let tls: ServerCertificate
  let nats: Nats
  beforeAll(async () => {
    tls = await makeCertificate()
    nats = await startNats({ tls })
    const connection = await connect({ servers: nats.url, tls: { ca: tls.ca } })
    await createCacheBucket(new Kvm(connection))
    await connection.close()
  })
  afterAll(() => nats.stop())

  describe('with the authority of the server', () => {
    testSecretCache({
      test,
      createHarness: () =>
        harnessOver(async () => {
          const connection = await connect({ servers: nats.url, tls: { ca: tls.ca } })
          return { connections: natsConnections(connection, new Kvm(connection)), close: () => connection.close() }
        }),
    })
  })

  test('a server whose certificate another authority signed is refused before anything is sent', async () => {
    const { ca } = await makeCertificate()
    await expect(connect({ servers: nats.url, tls: { ca }, maxReconnectAttempts: 0 })).rejects.toThrow(
      /unable to verify the first certificate/,
    )
    await expect(connect({ servers: nats.url, tls: {}, maxReconnectAttempts: 0 })).rejects.toThrow(/unable to verify the first certificate/)
  })
})
