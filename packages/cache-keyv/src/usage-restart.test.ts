import { createClient, createCluster } from '@keyv/redis'
import type { SharedUsage } from '@finchat/secrets-core'
import { type RedisServer, startRedis, startValkey } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { Cluster as ValkeyCluster, Redis as Valkey } from 'iovalkey'
import { expect, onTestFinished, test, vi } from 'vitest'
import { keyvCache } from './keyv-cache.ts'
import type { RedisClient } from './store/redis-client.ts'
import { context, encryptionKey } from './testing/fleet.ts'
import { faultyStore } from './testing/stores.ts'

const path = { sharedAs: 'store', path: 'db' }

describeWithServer('redis', 'usage marks in Redis', () => suite(startRedis))
describeWithServer('valkey', 'usage marks in Valkey', () => suite(startValkey))

type Start = (options?: { readonly args?: readonly string[] }) => Promise<RedisServer>

function suite(start: Start): void {
  async function started(...args: string[]): Promise<RedisServer> {
    const server = await start({ args })
    onTestFinished(server.stop)
    return server
  }

  test('are not complete after a start with an older snapshot, for a process that looks for the first time', async () => {
    const server = await started()
    await register(await usageOver(server.url), 'one')
    await server.dump()
    const forgotten = await usageOver(server.url)
    await register(forgotten, 'two')
    expect(await processesIn(await usageOver(server.url))).toEqual(['one', 'two'])
    await server.kill()
    await server.start()
    expect(await processesIn(await usageOver(server.url))).toBeUndefined()
    await vi.waitFor(async () => expect(await forgotten.seen(path, 'two', context)).toBe(false), { timeout: 10_000, interval: 100 })
    await register(forgotten, 'two')
    expect(await processesIn(await usageOver(server.url))).toEqual(['two'])
  })

  test('are known to be complete with the documented rights, of node-redis and the ioredis family', async () => {
    const server = await started()
    await server.command('ACL', 'SETUSER', 'cache', 'on', '>password', '~fs1:*', '+get', '+set', '+del', '+publish')
    const url = server.url.replace('redis://', 'redis://cache:password@')
    const warning = vi.spyOn(process, 'emitWarning').mockReturnValue()
    onTestFinished(() => warning.mockRestore())
    await register(await usageOver(url), 'one')
    expect(warning.mock.calls.map(([message]) => message)).toEqual([expect.stringMatching(/may not call INFO.*Grant `\+info`/)])
    expect((await read(await usageOver(url)))?.completeSince).toBeUndefined()
    await server.command('ACL', 'SETUSER', 'cache', '+info')
    await register(await usageOver(url), 'two')
    expect((await read(await usageOver(url)))?.completeSince).toBeGreaterThan(0)
    expect((await read(usageOf(valkeyClient(new Valkey(url)))))?.completeSince).toBeGreaterThan(0)
  })

  test('are refused by a primary that is cut off from its replicas, if it is to have one', async () => {
    const server = await started('--min-replicas-to-write', '1')
    const usage = await usageOver(server.url)
    await expect(register(usage, 'one')).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await server.command('CONFIG', 'SET', 'min-replicas-to-write', '0')
    await vi.waitFor(() => register(usage, 'one'), { timeout: 10_000, interval: 100 })
    expect(await processesIn(usage)).toEqual(['one'])
  })

  test('are known to be complete in a cluster, where the node is asked that keeps them', async () => {
    const server = await started('--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1')
    await server.command('CLUSTER', 'ADDSLOTS', ...Array.from({ length: 16_384 }, (_, slot) => String(slot)))
    await vi.waitFor(async () => expect(await server.command('CLUSTER', 'INFO')).toContain('cluster_state:ok'), { timeout: 10_000 })
    const cluster = createCluster({ rootNodes: [{ url: server.url }] })
    await cluster.connect()
    onTestFinished(() => cluster.destroy())
    await register(usageOf(cluster), 'one')
    const others = usageOf(valkeyClient(new ValkeyCluster([{ host: server.host, port: server.port }])))
    for (const usage of [usageOf(cluster), others]) expect((await read(usage))?.completeSince).toBeGreaterThan(0)
    expect(await server.command('INFO', 'commandstats')).toContain('cmdstat_eval:')
  })
}

async function usageOver(url: string): Promise<SharedUsage> {
  const client = createClient({ url })
  client.on('error', () => {})
  await client.connect()
  onTestFinished(() => client.destroy())
  return usageOf(client)
}

function valkeyClient<T extends RedisClient & { readonly disconnect: () => void }>(client: T): T {
  onTestFinished(() => client.disconnect())
  return client
}

function usageOf(client: RedisClient): SharedUsage {
  const { usage } = keyvCache({ store: faultyStore(), encryptionKey, timeoutMs: 2_000, client })
  if (usage === undefined) throw new Error('with a client it keeps marks')
  return usage
}

function register(usage: SharedUsage, process: string): Promise<void> {
  return usage.register(path, { process, count: Date.now(), host: 'host', since: Date.now(), uses: [{ version: 1 }] }, context)
}

const read = (usage: SharedUsage): ReturnType<SharedUsage['read']> => usage.read(path, context)

async function processesIn(usage: SharedUsage): Promise<unknown> {
  return (await read(usage))?.marks.map(({ process }) => process).toSorted()
}
