import { expect, onTestFinished, test, vi } from 'vitest'
import { type RaftCluster, type RaftNode, startRaftCluster } from './raft-cluster.ts'
import { describeWithServer } from './vitest.ts'

/** By the leader, which took it. */
async function written(cluster: RaftCluster, password: string): Promise<RaftNode> {
  const leader = await cluster.leader()
  await leader.api('POST', 'kv/db', { password })
  return leader
}

describeWithServer('openbao', 'a cluster of OpenBao', () => {
  test('replicates, elects another leader when it loses one, and takes it back with its data', async () => {
    const cluster = await startRaftCluster()
    onTestFinished(cluster.stop)
    const first = await cluster.leader()
    const standbys = await cluster.standbys()
    expect([cluster.nodes.length, standbys.length, standbys.includes(first)]).toEqual([3, 2, false])
    await first.api('POST', 'sys/mounts/kv', { type: 'kv', options: { version: '1' } })
    // On a busy machine a leader may miss its own heartbeat, and another is elected.
    const leader = await vi.waitFor(() => written(cluster, 'one'), 30_000)

    await leader.kill()
    expect(await leader.health()).toBe(0)
    const next = await vi.waitFor(() => written(cluster, 'two'), 30_000)
    expect(next).not.toBe(leader)

    await leader.start()
    await cluster.ready()
    expect(await leader.health()).toBe(429)
    // It answers from its own data until the leader has tried it again, which takes seconds.
    await expect.poll(() => leader.api('GET', 'kv/db'), { timeout: 30_000 }).toMatchObject({ data: { password: 'two' } })
  }, 90_000)

  test('of one node keeps its data over a restart', async () => {
    const cluster = await startRaftCluster({ nodes: 1 })
    onTestFinished(cluster.stop)
    const node = await cluster.leader()
    await node.api('POST', 'sys/mounts/kv', { type: 'kv' })
    await node.api('POST', 'kv/db', { password: 'one' })
    await node.stop()
    await node.start()
    await cluster.ready()
    expect(await node.api('GET', 'kv/db')).toMatchObject({ data: { password: 'one' } })
  }, 90_000)
})
