import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ended } from '../harness/child.ts'
import { type FaultInjection, type Scale, Tally } from '../harness/fault-injection.ts'
import { newSeed, type Random, randomFrom } from '../harness/random.ts'
import { inMemory } from '../harness/scratch.ts'
import { type Entry, Ledger } from '../workload/ledger.ts'
import { verifyStore } from '../workload/observe.ts'
import type { Operation } from '../workload/operation.ts'
import { startWorker, type Worker } from '../workload/workload.ts'
import { strayCiphertexts } from './stray-ciphertexts.ts'

const kills = { short: 200, long: 1000 } as const
/** Stores that are worked on at the same time. */
const lanes = 3
/** A store's life: it is created, killed in so often, and given up. */
const roundsOfAStore = 12

export const storeKill: FaultInjection = {
  name: 'kill -9',
  promise: 'no acknowledged write lost, no unreadable store, no temporary file left behind',
  // What a killed process has written stays in the system's memory, be the file on a disk or not.
  run: (scale) => inMemory((folder) => run(folder, scale)),
}

async function run(folder: string, scale: Scale): Promise<Tally> {
  const tally = new Tally()
  const lane = async (_: unknown, number: number): Promise<void> => {
    for (let store = 0; tally.of('kills') < kills[scale]; store++) {
      await wearOut(join(folder, `${number}-${store}`), tally, () => tally.of('kills') >= kills[scale])
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  return tally
}

async function wearOut(folder: string, tally: Tally, isEnough: () => boolean): Promise<void> {
  mkdirSync(folder)
  const random = randomFrom(newSeed())
  const ledger = new Ledger()
  const known = new Set<string>()
  let generation = 0
  tally.count('stores')
  for (let round = 0; round < roundsOfAStore && !isEnough(); round++) {
    await killAll(folder, round, generation, { random, ledger, tally })
    await verifyStore(join(folder, 'store', 'secrets.db'), generation, ledger)
    if (ledger.isReencrypted) generation++
    ledger.isReencrypted = false
    await tidyUp(join(folder, 'store'), generation, known, tally)
    for (const fault of ledger.faults.splice(0)) tally.fault(`after kill ${tally.of('kills')}: ${fault}`)
  }
}

interface Round {
  readonly random: Random
  readonly ledger: Ledger
  readonly tally: Tally
}

/** Lets one to three workers change the store at once, each until it is killed. */
async function killAll(folder: string, round: number, generation: number, { random, ledger, tally }: Round): Promise<void> {
  const store = join(folder, 'store')
  if (!existsSync(store)) mkdirSync(store)
  const path = join(store, 'secrets.db')
  const killings = Array.from({ length: 1 + random.below(3) }, async (_, number) => {
    const workload = { path, worker: `w${number}`, seed: random.below(2 ** 32), generation, operations: 100_000 }
    const worker = startWorker(workload, join(folder, `${round}-${number}.log`))
    await moment(random, worker)
    worker.child.kill('SIGKILL')
    await ended(worker.child)
    return worker.entries()
  })
  for (const entries of await Promise.all(killings)) note(ledger.take(entries), entries, tally)
}

function note(begun: Operation | undefined, entries: readonly Entry[], tally: Tally): void {
  tally.count('kills')
  tally.count('acknowledged', entries.filter((entry) => 'ended' in entry).length)
  if (begun) tally.count(`killed in ${begun.do}`)
  else if (entries.length === 0) tally.count('killed before the first change')
}

const slowOperations: ReadonlySet<Operation['do']> = new Set(['reencrypt', 'prune', 'purge'])

/** When to kill: on opening, a little after, or in the middle of one of the slow operations. */
async function moment(random: Random, worker: Worker): Promise<void> {
  const [slow, soon] = [random.chance(0.4), random.chance(0.3)]
  const isThere = (): boolean => {
    if (!slow) return worker.isReady()
    return slowOperations.has(worker.lastOperation() ?? 'put')
  }
  for (let waited = 0; !isThere() && waited < 3000; waited++) await sleep(1)
  await sleep(slow ? random.below(4) : random.below(soon ? 8 : 60))
}

/** The next writer erases the residue of killed processes. */
async function tidyUp(store: string, generation: number, known: Set<string>, tally: Tally): Promise<void> {
  const path = join(store, 'secrets.db')
  const strays = await strayCiphertexts(path, generation, known)
  tally.count('ciphertexts searched', known.size)
  if (strays > 0) tally.fault(`${strays} removed ciphertexts are still in the file`)
  const left = readdirSync(store).filter((file) => file !== 'secrets.db')
  if (left.length > 0) tally.fault(`left behind: ${left.join(', ')}`)
}
