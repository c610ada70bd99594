import { setTimeout as sleep } from 'node:timers/promises'
import { generateKey } from '@finchat/secrets-cache-keyv'
import type { SecretProvider } from '@finchat/secrets-core'
import { startTcpProxy, type TcpProxy } from '@finchat/secrets-test-servers'
import { type FaultInjection, type Scale, Tally } from '../harness/fault-injection.ts'
import { type Fault, faults, type ProxiedServer } from './cache-server-faults.ts'
import { inTurn, type Turn } from '../harness/in-turn.ts'
import { fewReads, readFor, type Served } from './read-load.ts'
import { type CacheServer, type ServerKind, serverKinds, withServer } from './servers.ts'
import { type Member, startMember } from './shared-fleet.ts'

const faultMs: Readonly<Record<Scale, number>> = { short: 1500, long: 15_000 }
const members = 4
const names = Array.from({ length: 50 }, (_, n) => `busy/${n}`)
/** The share of reads of a secret that no process has read before. */
const coldPart = 0.1
const ttlSeconds = 2
const latencyMs = 20
const timeoutMs = 50
const settleMs = 25
const coolDownMs = 500
const waitMs = 1000
/** A cache waits longer in its first seconds: the promise begins after them. */
const startsForMs = 10_500

export const cacheServerOutage: FaultInjection = {
  name: 'faults of the cache server',
  promise: 'at 1,000 reads a second none fails, and no read waits longer for the cache server than its deadline says',
  run: async (scale) => {
    const tally = new Tally()
    const turn = inTurn()
    const lanes = serverKinds.flatMap((kind) => lanesOf(faultsFor(kind, scale)).map((lane) => ({ kind, faults: lane })))
    await Promise.all(
      lanes.map(({ kind, faults: lane }) =>
        withServer(kind, tally, async (server) => run(kind, server, { faults: lane, ms: faultMs[scale], turn, tally })),
      ),
    )
    return tally
  },
}

interface Lane {
  readonly faults: readonly Fault[]
  /** How long each lasts. */
  readonly ms: number
  readonly turn: Turn
  readonly tally: Tally
}

/**
 * A fleet leaves a server that failed alone for up to ten seconds. Meanwhile the next fleet has its
 * fault: each lane has a server and a fleet of its own, and only one of them is measured at a time.
 */
async function run(kind: ServerKind, server: CacheServer, lane: Lane): Promise<void> {
  const { ms, turn, tally } = lane
  const proxy = await startTcpProxy(server.url.replace(/^\w+:/, 'http:'))
  const encryptionKey = generateKey()
  const cache = { encryptionKey, timeoutMs, settleMs, coolDownMs, waitMs }
  const fleet = await Promise.all(
    Array.from({ length: members }, () =>
      startMember({ kind, url: proxiedUrl(server.url, proxy), provider: store, ttlSeconds, hasClient: kind !== 'redis', cache }),
    ),
  )
  const read = readerOf(fleet)
  await Promise.all(fleet.map(({ secrets }) => secrets.getSecret('first')))
  await sleep(startsForMs)
  await turn(async () => judge(`${kind} well`, true, await readFor(ms, read), tally))
  for (const fault of lane.faults) {
    await turn(() => during(fault, { server, proxy }, ms, read, (served) => judge(`${kind} ${fault.name}`, fault.answers, served, tally)))
    await untilUsedAgain(fleet, read, () => tally.fault(`${kind} was not used again after it had been ${fault.name}`))
  }
  await Promise.all(fleet.map((each) => each.close()))
  await proxy.stop()
}

/** The short form tries all faults with one server, and with the others what their clients must survive. */
const inShort: Readonly<Partial<Record<ServerKind, readonly string[]>>> = {
  redis: ['killed', 'hung'],
  postgres: ['killed'],
  nats: ['killed'],
}

function faultsFor(kind: ServerKind, scale: Scale): readonly Fault[] {
  const few = scale === 'short' ? inShort[kind] : undefined
  return few === undefined ? faults : faults.filter(({ name }) => few.includes(name))
}

/** At most three faults each. */
function lanesOf(chosen: readonly Fault[]): readonly (readonly Fault[])[] {
  const lanes = Math.ceil(chosen.length / 3)
  return Array.from({ length: lanes }, (_, lane) => chosen.filter((_fault, index) => index % lanes === lane))
}

function proxiedUrl(url: string, proxy: TcpProxy): string {
  return url.replace(`:${new URL(url).port}`, `:${new URL(proxy.url).port}`)
}

const store: SecretProvider = {
  specificationVersion: 'v1',
  name: 'store',
  sharedAs: 'store',
  get: async (path) => {
    await sleep(latencyMs)
    return { value: `the value of ${path}`, version: 1 }
  },
}

/**
 * Each call reads by the next member: a secret that all read, or now and then a new one. Rejects
 * for a wrong value too.
 */
function readerOf(fleet: readonly Member[]): () => Promise<void> {
  let reads = 0
  return async () => {
    reads += 1
    const isCold = reads % (1 / coldPart) === 0
    const name = isCold ? `cold/${reads}` : (names[Math.floor(Math.random() * names.length)] ?? '')
    const value = await fleet[reads % fleet.length]?.secrets.getSecret(name)
    if (value !== `the value of ${name}`) throw new Error(`a wrong value of ${name}`)
  }
}

/**
 * The fault begins when the reads do, with which the server still has to do then, and ends after
 * them.
 */
async function during(
  fault: Fault,
  proxied: ProxiedServer,
  ms: number,
  read: () => Promise<void>,
  done: (served: Served) => void,
): Promise<void> {
  const serving = readFor(ms, read)
  await sleep(ms / 10)
  await fault.begin(proxied)
  done(await serving)
  await fault.end(proxied)
}

/**
 * A server that does not answer costs a read one call up to its deadline. Up to three calls were
 * answered just in time before (probe, claim of the fill lease, probe), and the store takes its own
 * time. A server that answers may let a read wait for another process. Lateness of this process
 * counts for each step: shared cache, deadline, store.
 */
function judge(when: string, answers: boolean, { reads, failed, p99Ms, longestMs, lateMs }: Served, tally: Tally): void {
  tally.count('reads', reads)
  tally.count(`ms, 99 % of the reads, ${when}`, Math.round(p99Ms))
  if (failed > 0) tally.fault(`${failed} of ${reads} reads failed (${when})`)
  const longest = waitMs + 10 * (timeoutMs + settleMs) + latencyMs + 3 * lateMs
  const bound = answers ? longest : 4 * timeoutMs + latencyMs + 3 * lateMs
  if (!(p99Ms <= bound)) tally.fault(`99 % of the reads took up to ${p99Ms.toFixed(0)} ms, bound ${bound.toFixed(0)} ms (${when})`)
  if (!(longestMs <= longest)) tally.fault(`a read took ${longestMs.toFixed(0)} ms, bound ${longest.toFixed(0)} ms (${when})`)
}

/** Clients connect again in their own time. */
async function untilUsedAgain(fleet: readonly Member[], read: () => Promise<void>, never: () => void): Promise<void> {
  const before = fleet.map(({ shared }) => shared.stats().fills)
  const giveUpAt = performance.now() + 20_000
  while (performance.now() < giveUpAt) {
    await readFor(100, () => read().catch(() => {}), fewReads)
    if (fleet.every(({ shared }, index) => shared.stats().fills > (before[index] ?? 0))) return
  }
  never()
}
