import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { ended } from '../child.ts'
import { type Drill, type Scale, Tally } from '../drill.ts'
import { newSeed, type Random, randomFrom } from '../random.ts'
import { inScratch } from '../scratch.ts'
import { straceIsMissing } from '../strace.ts'
import { type Entry, Ledger } from '../workload/ledger.ts'
import { startWorker } from '../workload/workload.ts'
import { Disk, type Folder, folderAt } from './disk.ts'
import { tryImage } from './images.ts'
import { recordedCalls, recordingInto } from './recording.ts'
import { Replay } from './replay.ts'

const lives: Readonly<Record<Scale, number>> = { short: 1, long: 6 }
const operations: Readonly<Record<Scale, number>> = { short: 40, long: 150 }

/** A worker's calls are recorded while it changes a store, and done again one by one afterwards, with the power cut at each sync. */
export const powerDrill: Drill = {
  name: 'power cut at each fsync',
  promise: 'whatever part of the unsynced has reached the disk: the store opens and holds what was acknowledged',
  run: async (scale) => {
    const tally = new Tally()
    const reason = straceIsMissing()
    if (reason !== undefined) tally.notRun.push(reason)
    else for (let life = 0; life < lives[scale]; life++) await inScratch((folder) => run(folder, operations[scale], tally))
    return tally
  },
}

async function run(folder: string, count: number, tally: Tally): Promise<void> {
  const random = randomFrom(newSeed())
  const [store, recording] = [join(folder, 'store'), join(folder, 'calls')]
  mkdirSync(store)
  const orders = { path: join(store, 'secrets.db'), worker: 'w0', seed: random.below(2 ** 32), generation: 0, operations: count }
  const worker = startWorker(orders, join(folder, 'log'), { under: recordingInto(recording) })
  if ((await ended(worker.child)) !== 0) return tally.fault('the worker failed')
  const [replay, disk] = [new Replay(store), new Disk()]
  for (const call of recordedCalls(recording, store)) {
    const name = replay.synced(call)
    if (name !== undefined) await cutPower(replay, disk, name, random, tally)
    replay.apply(call)
  }
  if (!isSame(replay.now, folderAt(store))) tally.fault('the recording does not lead to what is in the folder')
}

/** Tries what the power could leave before this sync took effect, and what is certain after it. */
async function cutPower(replay: Replay, disk: Disk, synced: string, random: Random, tally: Tally): Promise<void> {
  const { now } = replay
  const ledger = new Ledger()
  ledger.take(entriesIn(replay.output))
  tally.count('syncs')
  const when = `at sync ${tally.of('syncs')}, of ${synced === '' ? 'the folder' : synced}`
  for (const share of [0, 0.2, 0.5, 0.9, 1])
    await tryImage(disk.afterPowerCut(now, share, random), ledger, `${when}, ${share} written`, tally)
  disk.sync(synced, now)
  await tryImage(disk.afterPowerCut(now, 0, random), ledger, `${when}, done`, tally)
}

/** What the worker had acknowledged by then. */
function entriesIn(output: string): Entry[] {
  const [, ...lines] = output.split('\n').slice(0, -1)
  return lines.map((line) => JSON.parse(line) as Entry) // as our own program wrote it
}

function isSame(one: Folder, other: Folder): boolean {
  const [names, others] = [[...one.names.keys()].toSorted(), [...other.names.keys()].toSorted()]
  const contentOf = ({ names: files, files: contents }: Folder, name: string): Buffer | undefined => contents.get(files.get(name) ?? -1)
  return (
    names.join('\0') === others.join('\0') && names.every((name) => contentOf(one, name)?.equals(contentOf(other, name) ?? Buffer.alloc(0)))
  )
}
