import { setTimeout as sleep } from 'node:timers/promises'
import { createSecretsManager, type SecretsManager } from '@finchat/secrets-core'
import { type RaftCluster, type RaftNode, startRaftCluster, startTcpProxy, type TcpProxy } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { tokenAuth } from './auth/token.ts'
import { type AttemptedWrite, settled, steadily, outcomeOf, writeOn } from './testing/load.ts'
import { context } from './testing/stub-vault.ts'
import { type VaultProvider, vaultProvider } from './vault-provider.ts'

describeWithServer('openbao', 'a cluster that loses its leader', () => {
  let cluster: RaftCluster
  beforeAll(async () => {
    cluster = await startRaftCluster()
    const { api } = await cluster.leader()
    await api('POST', 'sys/mounts/secret', { type: 'kv', options: { version: '2' } })
    // Standbys wait for the leader to make the new mount one of KV v2.
    for (const { api: ask } of cluster.nodes) await vi.waitFor(() => ask('GET', 'secret/config'), { timeout: 20_000, interval: 50 })
    await api('POST', 'secret/config', { max_versions: 1000 })
    await api('POST', 'secret/data/app', { data: { value: 'the-value' } })
    for (const { api: ask } of cluster.nodes) await vi.waitFor(() => ask('GET', 'secret/data/app'), { timeout: 20_000, interval: 50 })
  }, 60_000)
  afterAll(() => cluster.stop())

  /** A balancer whose health check has seen which nodes serve. */
  async function balancerOf(serving: () => readonly RaftNode[]): Promise<TcpProxy> {
    let turn = 0
    const balancer = await startTcpProxy(() => serving()[(turn += 1) % serving().length]?.url ?? '')
    onTestFinished(balancer.stop)
    return balancer
  }

  /** As docs/vault.md has it for a cluster: a read may take as long as an election. */
  function providerAt(url: string): VaultProvider {
    const provider = vaultProvider({ url, auth: tokenAuth(cluster.rootToken), timeoutMs: 20_000 })
    onTestFinished(() => provider.close())
    return provider
  }

  /** All by default, but that every read asks the store. */
  function managerAt(url: string): SecretsManager {
    const vault = vaultProvider({ url, auth: tokenAuth(cluster.rootToken) })
    const secrets = createSecretsManager({ providers: [vault], cache: { ttlSeconds: 0 } })
    onTestFinished(() => secrets.close())
    return secrets
  }

  /** The value of each version that the cluster holds. */
  async function versionsOf(path: string): Promise<string[]> {
    const { api } = await cluster.leader()
    const keys = await api<{ data: { keys: string[] } }>('GET', 'secret/metadata?list=true')
    if (!keys.data.keys.includes(path)) return []
    const { data } = await api<{ data: { current_version: number } }>('GET', `secret/metadata/${path}`)
    const numbers = Array.from({ length: data.current_version }, (_, index) => index + 1)
    const read = (n: number): Promise<{ data: { data: { value: string } } }> => api('GET', `secret/data/${path}?version=${n}`)
    return (await Promise.all(numbers.map(read))).map((answer) => answer.data.data.value)
  }

  async function expectTruth(writes: readonly AttemptedWrite[]): Promise<void> {
    const held = new Map<string, readonly string[]>()
    for (const path of new Set(writes.map((write) => write.path))) held.set(path, await versionsOf(path))
    for (const write of writes) {
      const { path, value, outcome } = write
      const versions = (held.get(path) ?? []).flatMap((each, index) => (each === value ? [index + 1] : []))
      const told = outcomeOf(write)
      if (outcome.status === 'fulfilled') expect(versions, value).toEqual([outcome.value.version])
      else expect(versions.length, `${value}, ${told}`).toBeLessThanOrEqual(told === 'unknown' ? 1 : 0)
    }
  }

  test.each([
    ['stands still', 'SIGSTOP'],
    ['is killed', 'SIGKILL'],
  ] as const)(
    'no read fails while the leader %s, and no write is lost, invented or done twice',
    async (_what, signal) => {
      const leader = await cluster.leader()
      const standbys = await cluster.standbys()
      let serving: readonly RaftNode[] = cluster.nodes
      const balancer = await balancerOf(() => serving)
      const [balanced, beside] = [providerAt(balancer.url), providerAt(standbys[0]?.url ?? '')]
      const managers = [managerAt(balancer.url), managerAt(standbys[0]?.url ?? '')]
      for (const manager of managers) await manager.getSecret('app')

      const readers = [
        steadily(100, async () => (await balanced.get('app', context))?.value),
        steadily(100, async () => (await beside.get('app', context))?.value),
        ...managers.map((manager) => steadily(100, () => manager.getSecret('app'))),
      ]
      const next = async (path: string, value: string): ReturnType<VaultProvider['put']> => {
        const { version = 0 } = (await balanced.get(path, context)) ?? {}
        return balanced.put(path, { value, version: version + 1 }, context)
      }
      const writers = [
        ...[balanced, beside].map((provider, n) =>
          writeOn(`${signal}-anyhow-${n}`, (path, value) => provider.put(path, { value }, context)),
        ),
        writeOn(`${signal}-numbered`, next),
        ...managers.map((manager, n) => writeOn(`${signal}-rotated-${n}`, (path, value) => manager.rotateSecret(path, value))),
      ]
      await sleep(300)

      const burst = Array.from({ length: 40 }, async (_each, n): Promise<AttemptedWrite> => {
        const [path, value] = [`${signal}-burst-${n}`, `burst ${n}`]
        return { path, value, outcome: await settled((n % 2 ? balanced : beside).put(path, { value }, context)) }
      })
      await Promise.race(burst)
      leader.signal(signal)
      serving = standbys
      await sleep(300)
      balancer.cut() // the health check has seen it too

      // The load goes on until the cluster takes writes again, and a little longer.
      await vi.waitFor(async () => (await cluster.leader()).api('POST', 'secret/data/again', { data: {} }), {
        timeout: 30_000,
        interval: 100,
      })
      await sleep(500)
      const read = (await Promise.all(readers.map((reader) => reader.end()))).flat()
      const written = [...(await Promise.all(burst)), ...(await Promise.all(writers.map((writer) => writer.end()))).flat()]

      if (signal === 'SIGSTOP') {
        leader.signal('SIGCONT')
        await cluster.ready()
      }
      const answers = new Set(read.map((result) => (result.status === 'fulfilled' ? result.value : String(result.reason))))
      expect(answers).toEqual(new Set(['{"value":"the-value"}', 'the-value']))
      await expectTruth(written)
      expect(new Set(written.map(outcomeOf))).toContain('unknown')
    },
    90_000,
  )
})
