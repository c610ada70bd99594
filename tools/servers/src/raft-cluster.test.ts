import { expect, onTestFinished, test } from 'vitest'
import { startRaftCluster } from './raft-cluster.ts'
import { describeWithServer } from './vitest.ts'

describeWithServer('openbao', 'a cluster of OpenBao', () => {
  test('replicates, elects another leader when it loses one, and takes it back with its data', async () => {
    const cluster = await startRaftCluster()
    onTestFinished(cluster.stop)
    const leader = await cluster.leader()
    const standbys = await cluster.standbys()
    expect([cluster.nodes.length, standbys.length, standbys.includes(leader)]).toEqual([3, 2, false])
    await leader.api('POST', 'sys/mounts/kv', { type: 'kv', options: { version: '1' } })
    await leader.api('POST', 'kv/db', { password: 'one' })

    await leader.kill()
    expect(await leader.health()).toBe(0)
    const next = await cluster.leader()
    expect(next).not.toBe(leader)
    await next.api('POST', 'kv/db', { password: 'two' })

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
