import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { ended, start } from '../harness/child.ts'
import type { TrailFolder } from './trail-folder.ts'

/** What a writer is to do. Its records bear its label and a number from 0. */
export interface TrailOrders extends Pick<TrailFolder, 'folder' | 'checkpoints'> {
  readonly label: string
  readonly records: number
  readonly inFlight: number
  /**
   * How long each record's actor is: long ones make batches that take the system a while to write.
   */
  readonly actorLength: number
  readonly maxSegmentBytes?: number
  /** The process is killed instead of its nth sync, counted from 1. */
  readonly diesAtSync?: number | undefined
}

export interface TrailWriter {
  readonly child: ChildProcess
  /** Names of acknowledged records. */
  readonly acknowledged: readonly string[]
  /** Its exit code, once all that it printed is read. */
  readonly ended: Promise<number | null>
}

export function startTrailWriter(orders: TrailOrders): TrailWriter {
  const child = start(join(import.meta.dirname, 'trail-process.ts'), orders)
  const acknowledged: string[] = []
  let rest = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split('\n')
    rest = lines.pop() ?? '' // what a killed process did not finish is no line
    acknowledged.push(...lines)
  })
  return { child, acknowledged, ended: ended(child) }
}

/** Resolves after so many acknowledged records, or at its end. */
export async function hasWritten({ child, acknowledged, ended: end }: TrailWriter, records: number): Promise<void> {
  while (acknowledged.length < records && child.exitCode === null && child.stdout !== null) {
    await Promise.race([once(child.stdout, 'data'), end])
  }
}
