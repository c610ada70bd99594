import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { ended } from '../harness/child.ts'
import type { FaultInjection, Scale, Tally } from '../harness/fault-injection.ts'
import { newSeed, randomFrom } from '../harness/random.ts'
import { inScratch } from '../harness/scratch.ts'
import { withStrace } from '../harness/strace.ts'
import { type Entry, Ledger } from '../workload/ledger.ts'
import { startWorker } from '../workload/workload.ts'
import { cutAtSyncs } from './cut-at-syncs.ts'
import { tryImage } from './images.ts'
import { recordingInto } from './recording.ts'

const lives: Readonly<Record<Scale, number>> = { short: 1, long: 6 }
const operations: Readonly<Record<Scale, number>> = { short: 40, long: 150 }

/**
 * A worker's calls are recorded while it changes a store, and done again one by one afterwards,
 * with the power cut at each sync.
 */
export const storePowerLoss: FaultInjection = {
  name: 'power cut at each fsync',
  promise: 'whatever part of the unsynced has reached the disk: the store opens and holds what was acknowledged',
  run: (scale) =>
    withStrace(async (tally) => {
      for (let life = 0; life < lives[scale]; life++) await inScratch((folder) => run(folder, operations[scale], tally))
    }),
}

async function run(parent: string, count: number, tally: Tally): Promise<void> {
  const random = randomFrom(newSeed())
  const [folder, recording] = [join(parent, 'store'), join(parent, 'calls')]
  mkdirSync(folder)
  const orders = { path: join(folder, 'secrets.db'), worker: 'w0', seed: random.below(2 ** 32), generation: 0, operations: count }
  const worker = startWorker(orders, join(parent, 'log'), { under: recordingInto(recording) })
  if ((await ended(worker.child)) !== 0) return tally.fault('the worker failed')
  await cutAtSyncs({ recording, folder }, random, tally, async ({ files, output, when }) => {
    const ledger = new Ledger()
    ledger.take(entriesIn(output))
    await tryImage(files, ledger, when, tally)
  })
}

/** What the worker had acknowledged by then. */
function entriesIn(output: string): Entry[] {
  const [, ...lines] = output.split('\n').slice(0, -1)
  return lines.map((line) => JSON.parse(line) as Entry) // as our own program wrote it
}
