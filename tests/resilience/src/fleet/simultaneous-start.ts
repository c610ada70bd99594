import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { type ChildProcess, spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { generateKey } from '@finchat/secrets-cache-keyv'
import { ended, start } from '../harness/child.ts'
import { type FaultInjection, type Scale, Tally } from '../harness/fault-injection.ts'
import { startCountingStore } from './counting-store.ts'
import { type Orders, type Report, valueOf } from './orders.ts'
import { type ServerKind, serverKinds, withServer } from './servers.ts'

const processes: Readonly<Record<Scale, readonly number[]>> = { short: [12], long: [12, 60] }
const names = Array.from({ length: 20 }, (_, n) => `cold/${n}`)
const mostCallsPerSecret = 1.2

export const simultaneousStart: FaultInjection = {
  name: 'a fleet starts at once',
  promise: 'with the defaults, on a machine that is busy, the store sees at most 1.2 calls for each of 20 cold secrets',
  run: async (scale) => {
    const tally = new Tally()
    for (const kind of serverKinds)
      for (const hasClient of waysOf(kind, scale))
        for (const byBatch of [false, true])
          for (const size of processes[scale]) await startFleet(size, { kind, hasClient, byBatch }, tally)
    return tally
  },
}

/** In the short run each way once. Over PostgreSQL and NATS the server always decides. */
function waysOf(kind: ServerKind, scale: Scale): readonly boolean[] {
  if (kind === 'postgres' || kind === 'nats') return [true]
  return scale === 'long' ? [false, true] : [kind === 'valkey']
}

type Way = Pick<Orders, 'kind' | 'hasClient' | 'byBatch'>

async function startFleet(size: number, { kind, hasClient, byBatch }: Way, tally: Tally): Promise<void> {
  await withServer(kind, tally, async ({ url }) => {
    const store = await startCountingStore(Object.fromEntries(names.map((name) => [name, valueOf(name)])))
    const orders: Orders = { kind, url, storePort: store.port, names, encryptionKey: generateKey(), hasClient, byBatch }
    const burners = keepBusy()
    const fleet = Array.from({ length: size }, () => new StartingProcess(orders))
    await Promise.all(fleet.map((each) => each.ready()))
    for (const each of fleet) each.go()
    for (const report of await Promise.all(fleet.map((each) => each.report()))) note(report, tally)
    await Promise.all(fleet.map((each) => each.end()))
    const calls = [...store.calls.values()].reduce((sum, count) => sum + count, 0)
    const way = `${kind}, ${hasClient ? 'the server decides' : 'by election'}, ${byBatch ? 'by batches' : 'one by one'}, ${size} processes`
    tally.count(`calls to the store for ${names.length} secrets (${way})`, calls)
    if (calls > mostCallsPerSecret * names.length) tally.fault(`${calls} calls for ${names.length} secrets (${way})`)
    for (const each of burners) each.kill('SIGKILL')
    await store.stop()
  })
}

/** Two busy loops for each processor. They end by themselves after three minutes. */
function keepBusy(): readonly ChildProcess[] {
  const burn = 'const end = Date.now() + 180_000; while (Date.now() < end);'
  return Array.from({ length: 2 * availableParallelism() }, () => spawn(process.execPath, ['--eval', burn], { stdio: 'ignore' }))
}

function note({ failed, wrong }: Report, tally: Tally): void {
  tally.count('processes')
  tally.count('reads', names.length)
  if (failed > 0) tally.fault(`a process could not read ${failed} secrets`)
  if (wrong > 0) tally.fault(`a process read ${wrong} wrong values`)
}

class StartingProcess {
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>

  constructor(orders: Orders) {
    this.#child = start(join(import.meta.dirname, 'starting-process.ts'), orders)
    this.#lines = linesOf(this.#child)[Symbol.asyncIterator]()
  }

  async ready(): Promise<void> {
    await this.#lines.next()
  }

  go(): void {
    this.#child.stdin?.write('go\n')
  }

  async report(): Promise<Report> {
    const { value } = await this.#lines.next()
    return value === undefined ? { failed: names.length, wrong: 0 } : (JSON.parse(value) as Report) // as our own program wrote it
  }

  async end(): Promise<void> {
    this.#child.stdin?.end()
    await ended(this.#child)
  }
}

function linesOf({ stdout }: ChildProcess): Interface {
  if (!stdout) throw new Error('the process has no output')
  return createInterface(stdout)
}
