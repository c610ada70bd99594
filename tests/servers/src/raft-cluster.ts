import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { requireServer } from './find-server.ts'
import { freePort, onFreePort } from './free-port.ts'
import { healthOf, openBaoApi, type OpenBaoApi } from './openbao-api.ts'
import { removeFolder, serverFolder, startProcess, waitUntilReady, type ServerProcess } from './server-process.ts'

/** One server of a cluster. Its data outlive it: `kill` or `stop` it, and `start` it again. */
export interface RaftNode {
  readonly name: string
  readonly url: string
  readonly api: OpenBaoApi
  readonly log: string
  /**
   * The status of its `sys/health`: 200 active, 429 standby, 503 sealed; 0 when it does not answer.
   */
  readonly health: () => Promise<number>
  readonly signal: (name: NodeJS.Signals) => void
  /** A crash: SIGKILL, and resolves when it is gone. */
  readonly kill: () => Promise<void>
  /** An orderly end, in which a leader hands over. */
  readonly stop: () => Promise<void>
  /**
   * Starts it again on its port and its data, and unseals it. For seconds it may answer from what
   * it knew before.
   */
  readonly start: () => Promise<void>
}

export interface RaftCluster {
  readonly nodes: readonly RaftNode[]
  readonly rootToken: string
  /** Unseals a node: `api('PUT', 'sys/unseal', { key: unsealKey })`. */
  readonly unsealKey: string
  /** The node that is active now; waits up to 30 s for an election. */
  readonly leader: () => Promise<RaftNode>
  /** The nodes that stand by now. */
  readonly standbys: () => Promise<RaftNode[]>
  /** Resolves when every node serves, one of them as leader; rejects after 30 s. */
  readonly ready: () => Promise<void>
  readonly stop: () => Promise<void>
}

export interface RaftClusterOptions {
  /** Default: 3. One node is a server whose data outlive a restart. */
  readonly nodes?: number
  /**
   * `performance_multiplier` of the raft storage. Default: 1, the fastest election and the advice
   * for production. The server's default is 5.
   */
  readonly performanceMultiplier?: number
}

/**
 * Starts a cluster on raft storage: initialised, unsealed, joined, each node a voter. No mount but
 * the server's own.
 */
export async function startRaftCluster({ nodes: size = 3, performanceMultiplier = 1 }: RaftClusterOptions = {}): Promise<RaftCluster> {
  const program = requireServer('openbao')
  const names = Array.from({ length: size }, (_, index) => `node-${index + 1}`)
  const starting = names.map((name) => startMember({ name, folder: serverFolder(name), program, performanceMultiplier }))
  const members = (await Promise.allSettled(starting)).flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  const end = async (): Promise<void> => {
    await Promise.all(members.map((member) => member.server.end()))
    for (const { folder } of members) removeFolder(folder)
  }
  try {
    await Promise.all(starting)
    return await assemble(members, end)
  } catch (error) {
    await end()
    throw error
  }
}

interface MemberOptions {
  readonly name: string
  readonly folder: string
  readonly program: string
  readonly performanceMultiplier: number
}

interface Member {
  readonly name: string
  readonly url: string
  readonly folder: string
  server: ServerProcess
  readonly restart: () => Promise<void>
}

async function startMember(options: MemberOptions): Promise<Member> {
  return onFreePort(async (port) => {
    mkdirSync(join(options.folder, 'data'), { recursive: true })
    const url = `http://127.0.0.1:${port}`
    const config = join(options.folder, 'config.hcl')
    writeFileSync(config, configuration(options, port, await freePort()))
    const launch = async (): Promise<ServerProcess> => {
      const server = await startProcess({ folder: options.folder, program: options.program, args: ['server', `-config=${config}`] })
      await waitUntilReady(options.name, server, /server started!/, async () => (await healthOf(url)) > 0)
      return server
    }
    const restart = async (): Promise<void> => void (member.server = await launch())
    const member: Member = { name: options.name, url, folder: options.folder, server: await launch(), restart }
    return member
  })
}

function configuration({ name, folder, performanceMultiplier }: MemberOptions, port: number, clusterPort: number): string {
  return `
storage "raft" {
  path = "${join(folder, 'data')}"
  node_id = "${name}"
  performance_multiplier = ${performanceMultiplier}
  autopilot_reconcile_interval = "100ms"
  autopilot_update_interval = "100ms"
}
listener "tcp" {
  address = "127.0.0.1:${port}"
  cluster_address = "127.0.0.1:${clusterPort}"
  tls_disable = true
}
api_addr = "http://127.0.0.1:${port}"
cluster_addr = "https://127.0.0.1:${clusterPort}"
`
}

/** Initialises and unseals the first, then lets the others join it. */
async function assemble(members: readonly Member[], end: () => Promise<void>): Promise<RaftCluster> {
  const [first, ...others] = members
  if (!first) throw new Error('a cluster has at least one node')
  const shares = { secret_shares: 1, secret_threshold: 1 }
  const initialised = await openBaoApi(first.url, '')<{ root_token: string; keys: [string] }>('PUT', 'sys/init', shares)
  const { root_token: rootToken, keys } = initialised
  const [unsealKey] = keys
  const nodes = members.map((member) => nodeOf(member, rootToken, unsealKey))
  const cluster = clusterOf(nodes, rootToken, unsealKey, end)
  await unseal(first, unsealKey)
  await (await cluster.leader()).api('POST', 'sys/storage/raft/autopilot/configuration', { server_stabilization_time: '100ms' })
  const joinFirst = async (member: Member): Promise<void> => {
    await openBaoApi(member.url, '')('PUT', 'sys/storage/raft/join', { leader_api_addr: first.url })
    await unseal(member, unsealKey)
  }
  await Promise.all(others.map(joinFirst))
  await cluster.ready()
  return cluster
}

async function unseal({ url }: Member, key: string): Promise<void> {
  await openBaoApi(url, '')('PUT', 'sys/unseal', { key })
}

function nodeOf(member: Member, rootToken: string, unsealKey: string): RaftNode {
  const { name, url } = member
  return {
    name,
    url,
    api: openBaoApi(url, rootToken),
    log: member.server.log,
    health: () => healthOf(url).catch(() => 0),
    signal: (signal) => member.server.signal(signal),
    kill: async () => {
      member.server.signal('SIGKILL')
      await member.server.exited
    },
    stop: () => member.server.end(),
    start: async () => {
      await member.restart()
      await unseal(member, unsealKey)
    },
  }
}

function clusterOf(nodes: readonly RaftNode[], rootToken: string, unsealKey: string, stop: () => Promise<void>): RaftCluster {
  const withHealth = async (status: number): Promise<RaftNode[]> => {
    const states = await Promise.all(nodes.map(async (node) => ({ node, health: await node.health() })))
    return states.filter(({ health }) => health === status).map(({ node }) => node)
  }
  const leader = (): Promise<RaftNode> => eventually('a leader', async () => (await withHealth(200))[0])
  const allServe = async (): Promise<true | undefined> => {
    const [active, standby] = [await withHealth(200), await withHealth(429)]
    if (active.length !== 1 || standby.length !== nodes.length - 1) return undefined
    return (await votersOf(active[0])) === nodes.length ? true : undefined
  }
  const ready = async (): Promise<void> => void (await eventually('every node serving', allServe))
  return { nodes, rootToken, unsealKey, leader, standbys: () => withHealth(429), ready, stop }
}

async function votersOf(leader: RaftNode | undefined): Promise<number> {
  const path = 'sys/storage/raft/configuration'
  const answer = await leader?.api<{ data: { config: { servers: { voter: boolean }[] } } }>('GET', path)
  return answer?.data.config.servers.filter(({ voter }) => voter).length ?? 0
}

async function eventually<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  for (const deadline = Date.now() + 30_000; Date.now() < deadline; await sleep(20)) {
    const seen = await look().catch(() => undefined)
    if (seen !== undefined) return seen
  }
  throw new Error(`the cluster did not come to ${what} within 30 s`)
}
