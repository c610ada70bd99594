import { mkdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { ended } from '../child.ts'
import { type Drill, Tally } from '../drill.ts'
import { newSeed, type Random, randomFrom } from '../random.ts'
import { inScratch } from '../scratch.ts'
import { straceIsMissing } from '../strace.ts'
import { Ledger } from '../workload/ledger.ts'
import { startWorker, type Worker } from '../workload/workload.ts'
import { Disk, folderAt } from './disk.ts'
import { tryImage } from './images.ts'

const lives = 4
const operations = 150

export const powerDrill: Drill = {
  name: 'power cut at each fsync',
  promise: 'whatever part of the unsynced has reached the disk: the store opens and holds what was acknowledged',
  run: async () => {
    const tally = new Tally()
    const reason = straceIsMissing()
    if (reason !== undefined) tally.notRun.push(reason)
    else for (let life = 0; life < lives; life++) await inScratch((folder) => run(folder, tally))
    return tally
  },
}

/** strace stops the worker behind each of its syncs, until it is told to go on. (With --seccomp-bpf it would inject no signal.) */
const stopAtSyncs = ['strace', '-f', '-q', '-y', '-e', 'trace=fsync,fdatasync', '-e', 'inject=fsync,fdatasync:signal=STOP']

/** strace loses a process that is told to go on before all of its threads have stopped. */
const stoppingMs = 20

async function run(folder: string, tally: Tally): Promise<void> {
  const random = randomFrom(newSeed())
  const store = join(folder, 'store')
  mkdirSync(store)
  const orders = { path: join(store, 'secrets.db'), worker: 'w0', seed: random.below(2 ** 32), generation: 0, operations }
  const worker = startWorker(orders, join(folder, 'log'), { under: stopAtSyncs, stderr: 'pipe' })
  const disk = new Disk()
  let sync: Sync | undefined
  if (worker.child.stderr) {
    for await (const line of createInterface(worker.child.stderr)) {
      sync = syncIn(line) ?? sync
      if (sync === undefined || !line.startsWith(`[pid ${sync.pid}] --- stopped`)) continue
      await Promise.all([cutPower(store, disk, relative(store, sync.path), worker, random, tally), pause(stoppingMs)])
      process.kill(sync.pid, 'SIGCONT')
      sync = undefined
    }
  }
  if ((await ended(worker.child)) !== 0) tally.fault('the worker failed')
}

interface Sync {
  readonly pid: number
  readonly path: string
}

/** What was synced, if the line says so and it went well. */
function syncIn(line: string): Sync | undefined {
  const [, pid, path] = /^\[pid +(\d+)\] f(?:data)?sync\(\d+<(.*)>\) += 0/.exec(line) ?? []
  return path === undefined ? undefined : { pid: Number(pid), path }
}

/** Tries what the power could leave before this sync took effect, and what is certain after it. */
async function cutPower(store: string, disk: Disk, synced: string, worker: Worker, random: Random, tally: Tally): Promise<void> {
  const now = folderAt(store)
  const ledger = new Ledger()
  ledger.take(worker.entries())
  tally.count('syncs')
  const when = `at sync ${tally.of('syncs')}, of ${synced === '' ? 'the folder' : synced}`
  for (const share of [0, 0.2, 0.5, 0.9, 1])
    await tryImage(disk.afterPowerCut(now, share, random), ledger, `${when}, ${share} written`, tally)
  disk.sync(synced, now)
  await tryImage(disk.afterPowerCut(now, 0, random), ledger, `${when}, done`, tally)
}
