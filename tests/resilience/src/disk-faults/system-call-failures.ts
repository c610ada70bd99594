import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ended } from '../harness/child.ts'
import type { FaultInjection, Tally } from '../harness/fault-injection.ts'
import { newSeed } from '../harness/random.ts'
import { inMemory } from '../harness/scratch.ts'
import { withStrace } from '../harness/strace.ts'
import { startWorker } from '../workload/workload.ts'
import { judge } from './judge-store.ts'
import { type Injection, injections, readsWhileItIsMade } from './strace-injections.ts'

/** The call that fails: each of the first few, which make the store, and some later ones. */
const positions = [1, 2, 3, 4, 6, 8, 11, 15, 20, 27]
const operations = 30
const lanes = 2

export const systemCallFailures: FaultInjection = {
  name: 'failing system calls',
  promise: 'a clear error; what it says of its effect is true, and the store opens afterwards',
  run: () => withStrace(async (tally) => runAll([...injections(positions), ...readsWhileItIsMade(await inMemory(readsToLoad))], tally)),
}

/** How many reads it takes until a worker comes to its first operation. */
async function readsToLoad(folder: string): Promise<number> {
  const trace = join(folder, 'trace')
  const under = ['strace', '-f', '-qq', '--seccomp-bpf', '-o', trace, '-e', 'trace=pread64']
  const orders = { path: join(folder, 'secrets.db'), worker: 'w0', seed: 0, generation: 0, operations: 0 }
  await ended(startWorker(orders, join(folder, 'log'), { under }).child)
  return readFileSync(trace, 'utf8').split('pread64(').length - 1
}

async function runAll(queue: Injection[], tally: Tally): Promise<void> {
  const lane = async (): Promise<void> => {
    for (let next = queue.pop(); next; next = queue.pop()) {
      const injection = next
      await inMemory((folder) => run(folder, injection, tally))
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
}

async function run(folder: string, injection: Injection, tally: Tally): Promise<void> {
  const { what, expression } = injection
  const store = join(folder, 'store')
  mkdirSync(store)
  const path = join(store, 'secrets.db')
  const orders = { path, worker: 'w0', seed: newSeed(), generation: 0, operations, lockTimeoutMs: 1000 }
  const worker = startWorker(orders, join(folder, 'log'), { under: straceWith(injection, path), stderr: 'ignore' })
  const code = await ended(worker.child)
  tally.count(`runs in which ${what}`)
  // What fails Node.js itself, before our code has begun, is no fault of ours.
  if (!worker.isReady()) return tally.count('runs in which Node.js could not be loaded')
  if (code !== 0) tally.fault(`${expression}: the process ended with ${code}`)
  const expected = ['UNAVAILABLE', 'PERMISSION_DENIED', ...(injection.mayBeIntegrity ? ['INTEGRITY'] : [])]
  await judge(path, worker.entries(), { where: expression, expected, tally })
}

function straceWith({ calls, expression, onlyStore }: Injection, path: string): string[] {
  const files = onlyStore ? ['', '-wal', '-shm'].flatMap((suffix) => ['-P', path + suffix]) : []
  return ['strace', '-f', '-qq', '--seccomp-bpf', '-o', '/dev/null', ...files, '-e', `trace=${calls}`, '-e', expression]
}
