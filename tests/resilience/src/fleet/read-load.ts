import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'

/** How the reads of one time went. */
export interface Served {
  readonly reads: number
  readonly failed: number
  readonly p99Ms: number
  readonly longestMs: number
  /** By how much this process itself was late at most: it is no fault of what is measured. */
  readonly lateMs: number
}

const everyMs = 10
const manyReads = 10
/** 100 reads a second, which leave the machine to what is measured. */
export const fewReads = 1

/**
 * 1,000 reads a second for so long, whatever happens to them, and then until the last has ended.
 */
export async function readFor(ms: number, read: () => Promise<unknown>, readsAtOnce: number = manyReads): Promise<Served> {
  const delay = monitorEventLoopDelay({ resolution: 5 })
  delay.enable()
  const latencies: number[] = []
  let failed = 0
  const one = async (): Promise<void> => {
    const started = performance.now()
    await read().catch(() => (failed += 1))
    latencies.push(performance.now() - started)
  }
  const reads: Promise<void>[] = []
  const began = performance.now()
  for (let due = began; due < began + ms; due += everyMs) {
    await sleep(Math.max(0, due - performance.now()))
    for (let n = 0; n < readsAtOnce; n += 1) reads.push(one())
  }
  await Promise.all(reads)
  delay.disable()
  const sorted = latencies.toSorted((a, b) => a - b)
  const at = (part: number): number => sorted[Math.floor(part * (sorted.length - 1))] ?? NaN
  return { reads: sorted.length, failed, p99Ms: at(0.99), longestMs: at(1), lateMs: delay.max / 1e6 }
}
