import { setTimeout as sleep } from 'node:timers/promises'
import { freePort, onFreePorts } from './free-port.ts'
import { httpCall } from './http-call.ts'
import { type Nats, startNats } from './nats.ts'

/** Three servers with JetStream, named by their place: `'0'`, `'1'` and `'2'`. */
export interface NatsCluster {
  readonly nodes: readonly Nats[]
  readonly stop: () => Promise<void>
}

const places = [0, 1, 2]
const longestMs = 30_000

/** Starts an empty cluster that only this machine reaches. */
export function startNatsCluster(): Promise<NatsCluster> {
  return onFreePorts(startOnce)
}

async function startOnce(): Promise<NatsCluster> {
  const ports = await Promise.all(places.map(async () => ({ routes: await freePort(), http: await freePort() })))
  const routes = ports.map((port) => `nats-route://127.0.0.1:${port.routes}`).join(', ')
  const configOf = (place: number, own: (typeof ports)[number]): string => `
    server_name: "${place}"
    http: "127.0.0.1:${own.http}"
    cluster { name: test, listen: "127.0.0.1:${own.routes}", routes: [${routes}] }`
  const started = await Promise.allSettled(ports.map((own, place) => startNats({ config: configOf(place, own) })))
  const nodes = started.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
  const stop = async (): Promise<void> => void (await Promise.all(nodes.map((node) => node.stop())))
  try {
    for (const each of started) if (each.status === 'rejected') throw each.reason
    await untilFormed(ports.map(({ http }) => http))
    return { nodes, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function untilFormed(httpPorts: readonly number[]): Promise<void> {
  const giveUpAt = performance.now() + longestMs
  while (!(await Promise.all(httpPorts.map(leadsAll))).some(Boolean)) {
    if (performance.now() > giveUpAt) throw new Error('the cluster was not formed in time')
    await sleep(50)
  }
}

/** Only the leader knows of its followers. */
async function leadsAll(httpPort: number): Promise<boolean> {
  const { text } = await httpCall(`http://127.0.0.1:${httpPort}/jsz`)
  const { meta_cluster: cluster } = JSON.parse(text) as { readonly meta_cluster?: { readonly replicas?: readonly { current?: boolean }[] } } // as NATS documents it
  const followers = cluster?.replicas ?? []
  return followers.length === places.length - 1 && followers.every(({ current }) => current === true)
}
