import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ended } from '../harness/child.ts'
import { type FaultInjection, type Scale, Tally } from '../harness/fault-injection.ts'
import { newSeed, randomFrom } from '../harness/random.ts'
import { inMemory } from '../harness/scratch.ts'
import { Ledger } from '../workload/ledger.ts'
import { startWorker, type Worker } from '../workload/workload.ts'
import { Disk, type Folder, folderAt } from './disk.ts'
import { tryImage } from './images.ts'

const operations: Readonly<Record<Scale, number>> = { short: 60, long: 500 }

export const tornLog: FaultInjection = {
  name: 'power cut between acknowledgements',
  promise: 'a log that is torn behind what was acknowledged still holds that',
  run: (scale) => inMemory((folder) => run(folder, scale)),
}

/**
 * Needs nothing of the machine, and knows nothing of syncs: it takes for synced what was
 * acknowledged, and for unsynced what the next change writes.
 */
async function run(folder: string, scale: Scale): Promise<Tally> {
  const tally = new Tally()
  const random = randomFrom(newSeed())
  const [store, ledger, disk] = [join(folder, 'store'), new Ledger(), new Disk()]
  mkdirSync(store)
  const orders = {
    path: join(store, 'secrets.db'),
    worker: 'w0',
    seed: random.below(2 ** 32),
    generation: 0,
    operations: operations[scale],
  }
  const worker = startWorker({ ...orders, stepwise: true }, join(folder, 'log'))
  let before: Folder | undefined
  for (let n = 1; n <= operations[scale]; n++) {
    const entries = await step(worker, n)
    const now = folderAt(store)
    if (before && onlyLogGrew(before, now)) {
      const torn = ledger.copy()
      torn.take(entries.slice(0, 1))
      for (const share of [0.1, 0.5, 0.9]) await tryImage(disk.afterPowerCut(now, share, random), torn, `torn in change ${n}`, tally)
    }
    ledger.take(entries)
    disk.syncAll(now)
    await tryImage(disk.afterPowerCut(now, 0, random), ledger, `after change ${n}`, tally)
    before = now
  }
  worker.child.stdin?.write('.')
  tally.count('changes', operations[scale])
  if ((await ended(worker.child)) !== 0) tally.fault('the worker failed')
  return tally
}

/** Lets the worker make its next change. Returns what it wrote about it. */
async function step(worker: Worker, n: number): Promise<ReturnType<Worker['entries']>> {
  worker.child.stdin?.write('.')
  while (worker.entries().length < 2 * n && worker.child.exitCode === null) await sleep(1)
  return worker.entries().slice(2 * n - 2)
}

/**
 * A checkpoint in between syncs log and file in turn, in an order that cannot be seen from here.
 */
function onlyLogGrew(before: Folder, now: Folder): boolean {
  const file = now.names.get('secrets.db')
  if (file === undefined) return false
  const [old, fresh] = [before.files.get(file), now.files.get(file)]
  return old !== undefined && fresh !== undefined && old.equals(fresh)
}
