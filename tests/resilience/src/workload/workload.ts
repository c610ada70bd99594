import type { ChildProcess } from 'node:child_process'
import { closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { start, type StartOptions } from '../harness/child.ts'
import type { Entry } from './ledger.ts'
import type { Operation } from './operation.ts'

/** What a worker is to do. */
export interface Workload {
  readonly path: string
  /** Its own names begin with this. */
  readonly worker: string
  readonly seed: number
  readonly generation: number
  readonly operations: number
  readonly lockTimeoutMs?: number
  /** Wait for a byte on the input before each operation, and before the end. */
  readonly stepwise?: boolean
}

export interface Worker {
  readonly child: ChildProcess
  /** What it has written until now. A line that it did not finish is none. */
  readonly entries: () => Entry[]
  /** Whether it has come to the point of opening the store. */
  readonly isReady: () => boolean
  /** What it is doing, or did last. */
  readonly lastOperation: () => Operation['do'] | undefined
}

interface WorkerOptions extends Pick<StartOptions, 'under'> {
  readonly stderr?: 'inherit' | 'pipe' | 'ignore' | undefined
}

/**
 * Starts a worker that writes its lines into the file `log`: there they are as soon as it has
 * written them.
 */
export function startWorker(workload: Workload, log: string, { under = [], stderr = 'inherit' }: WorkerOptions = {}): Worker {
  const descriptor = openSync(log, 'w')
  const child = start(join(import.meta.dirname, 'workload-process.ts'), workload, { under, stdio: ['pipe', descriptor, stderr] })
  closeSync(descriptor)
  const lines = (): string[] => readFileSync(log, 'utf8').split('\n').slice(0, -1)
  return {
    child,
    isReady: () => statSync(log).size > 0,
    lastOperation: () => /.*"do":"(\w+)"/s.exec(tail(log))?.[1] as Operation['do'] | undefined, // as our own program wrote it
    entries: () =>
      lines()
        .slice(1)
        .map((line) => JSON.parse(line) as Entry), // as our own program wrote it
  }
}

/** The last of what is in a file, enough for the last whole line. */
function tail(file: string): string {
  const descriptor = openSync(file, 'r')
  const bytes = Buffer.alloc(400)
  const length = readSync(descriptor, bytes, { position: Math.max(0, statSync(file).size - bytes.length) })
  closeSync(descriptor)
  return bytes.toString('utf8', 0, length)
}
