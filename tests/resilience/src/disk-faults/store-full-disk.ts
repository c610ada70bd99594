import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ended, start } from '../harness/child.ts'
import { type FaultInjection, type Scale, Tally } from '../harness/fault-injection.ts'
import { newSeed } from '../harness/random.ts'
import { inMemory } from '../harness/scratch.ts'
import type { Entry } from '../workload/ledger.ts'
import { startWorker } from '../workload/workload.ts'
import { judge } from './judge-store.ts'

/**
 * How large a file may become, in blocks of 512 or of 1,024 bytes, as the shell has it: from less
 * than a new store to what one soon outgrows.
 */
const blocks: Readonly<Record<Scale, readonly number[]>> = {
  short: [24, 48, 72, 150],
  long: Array.from({ length: 60 }, (_, n) => 24 + 4 * n),
}
const expected = ['UNAVAILABLE', 'PERMISSION_DENIED']

export const storeFullDisk: FaultInjection = {
  name: 'a disk that is full or read-only',
  promise: 'a clear error; what it says of its effect is true, and the store opens afterwards',
  run: (scale) => inMemory((folder) => run(folder, scale)),
}

async function run(folder: string, scale: Scale): Promise<Tally> {
  const tally = new Tally()
  for (const limit of blocks[scale]) await outgrow(join(folder, `${limit}`), limit, tally)
  if (scale === 'long') await fillAndRemount(folder, tally)
  return tally
}

/** Needs no right: a process that may write no more than so much into one file. */
async function outgrow(folder: string, limit: number, tally: Tally): Promise<void> {
  mkdirSync(join(folder, 'store'), { recursive: true })
  const path = join(folder, 'store', 'secrets.db')
  const orders = { path, worker: 'w0', seed: newSeed(), generation: 0, operations: 40 }
  const worker = startWorker(orders, join(folder, 'log'), { under: ['sh', '-c', `ulimit -f ${limit}; exec "$@"`, 'sh'] })
  if ((await ended(worker.child)) !== 0) tally.fault(`with files of ${limit} blocks: the process failed`)
  tally.count('runs in which a file may not grow')
  await judge(path, worker.entries(), { where: `with files of ${limit} blocks`, expected, tally })
}

/** In a file system of its own, which is filled, made read-only, and writable again. */
async function fillAndRemount(folder: string, tally: Tally): Promise<void> {
  const [disk, log, copy] = ['disk', 'log', 'copy'].map((name) => join(folder, name)) as [string, string, string] // three in, three out
  mkdirSync(disk)
  const namespace = ['unshare', ...(process.geteuid?.() === 0 ? [] : ['--map-root-user']), '--mount']
  if (spawnSync('unshare', [...namespace.slice(1), 'mount', '-t', 'tmpfs', 'tmpfs', disk], { stdio: 'ignore' }).status !== 0) {
    return void tally.notRun.push('needs the right to mount a file system of its own, by unshare: no disk was filled or made read-only')
  }
  const child = start(join(import.meta.dirname, 'store-full-disk-process.ts'), { disk, log, copy }, { under: namespace })
  if ((await ended(child)) !== 0) tally.fault('the process that fills its disk failed')
  tally.count('disks filled, made read-only and writable again')
  const lines = readFileSync(log, 'utf8').split('\n').slice(0, -1)
  await judge(
    copy,
    lines.map((line) => JSON.parse(line) as Entry),
    { where: 'on a disk that was full, then read-only', expected, tally },
  ) // as our own program wrote them
}
