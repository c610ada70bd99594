import { setTimeout as sleep } from 'node:timers/promises'
import { freePort, onFreePorts } from './free-port.ts'
import { type RedisServer, startValkey } from './redis.ts'

/** Three primaries without replicas, which share the slots. */
export interface ValkeyCluster {
  readonly nodes: readonly RedisServer[]
  readonly stop: () => Promise<void>
}

const slots = 16_384
const size = 3
const longestMs = 30_000

/** Starts an empty cluster that only this machine reaches. */
export async function startValkeyCluster(): Promise<ValkeyCluster> {
  const nodes: RedisServer[] = []
  const stop = async (): Promise<void> => {
    for (const node of nodes) await node.stop()
  }
  try {
    const busPorts: number[] = []
    for (let index = 0; index < size; index += 1) {
      const { node, busPort } = await onFreePorts(startNode)
      nodes.push(node)
      busPorts.push(busPort)
    }
    await join(nodes, busPorts)
    return { nodes, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function startNode(): Promise<{ readonly node: RedisServer; readonly busPort: number }> {
  const busPort = await freePort()
  const node = await startValkey({ args: ['--cluster-enabled', 'yes', '--cluster-port', `${busPort}`] })
  return { node, busPort }
}

async function join(nodes: readonly RedisServer[], busPorts: readonly number[]): Promise<void> {
  for (const [index, node] of nodes.entries()) {
    const [from, to] = [Math.floor((index * slots) / size), Math.floor(((index + 1) * slots) / size) - 1]
    await node.command('CLUSTER', 'ADDSLOTSRANGE', `${from}`, `${to}`)
    await nodes[0]?.command('CLUSTER', 'MEET', '127.0.0.1', `${node.port}`, `${busPorts[index]}`)
  }
  const giveUpAt = performance.now() + longestMs
  while (!(await Promise.all(nodes.map(isOk))).every(Boolean)) {
    if (performance.now() > giveUpAt) throw new Error('the cluster was not formed in time')
    await sleep(50)
  }
}

async function isOk(node: RedisServer): Promise<boolean> {
  const text = String(await node.command('CLUSTER', 'INFO'))
  return text.includes('cluster_state:ok') && text.includes(`cluster_known_nodes:${size}`)
}
