// For contenders: how long something takes, by the clock and by the processor.
import type { Sample } from './scenario.ts'

/** What a figure is given in. */
const perMillisecond = { ns: 1e6, µs: 1e3, ms: 1 }
type TimeUnit = keyof typeof perMillisecond

/**
 * Times the work, divided by its number of calls. `time` is by the clock. `cpu` is the processor
 * time of this process with garbage collection and compilation, and is fairer on a shared machine.
 */
export async function timed(calls: number, unit: TimeUnit, work: () => Promise<unknown> | void): Promise<Sample> {
  const cpuBefore = process.cpuUsage()
  const started = performance.now()
  await work()
  const took = performance.now() - started
  const { user, system } = process.cpuUsage(cpuBefore)
  const factor = perMillisecond[unit] / calls
  return { time: took * factor, cpu: ((user + system) / 1_000) * factor }
}

/** One call after another, for so long. */
export async function repeated(forMs: number, unit: TimeUnit, call: () => Promise<unknown> | void): Promise<Sample> {
  let calls = 0
  const total = await timed(1, unit, async () => {
    const end = performance.now() + forMs
    do {
      for (let each = 0; each < 200; each += 1) await call()
      calls += 200
    } while (performance.now() < end)
  })
  return Object.fromEntries(Object.entries(total).map(([metric, value]) => [metric, value / calls]))
}

/** That many calls, so many of them at any time. */
export async function inFlight(calls: number, width: number, call: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < calls) await call(next++)
  }
  await Promise.all(Array.from({ length: Math.min(width, calls) }, worker))
}

/** Milliseconds since this process was spawned, and what it has used since. */
export function sinceStart(spawnedAt: number): Sample {
  const time = performance.timeOrigin + performance.now() - spawnedAt
  const { user, system } = process.cpuUsage()
  return { time, cpu: (user + system) / 1_000, memory: process.memoryUsage.rss() / 2 ** 20 }
}
