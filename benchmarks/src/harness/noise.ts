import { readFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { statisticsOf, type Statistics } from './statistics.ts'

/** How quiet the machine was. */
export interface Noise {
  /** Milliseconds that one and the same loop took before each round. */
  readonly spin: Statistics
  readonly loadAtStart: number
  readonly loadAtEnd: number
  /**
   * The share of the processors' time that went to other guests of the host; absent where the
   * system does not tell.
   */
  readonly stealPercent?: number | undefined
}

export interface NoiseMeter {
  readonly sample: () => void
  readonly read: () => Noise
}

export function startNoiseMeter(): NoiseMeter {
  const spins: number[] = [spin()]
  const [loadAtStart = 0] = loadavg()
  const ticksAtStart = processorTicks()
  return {
    sample: () => void spins.push(spin()),
    read: () => {
      const [loadAtEnd = 0] = loadavg()
      return { spin: statisticsOf(spins), loadAtStart, loadAtEnd, stealPercent: stealSince(ticksAtStart) }
    },
  }
}

/** The same work each time: the quiet machine takes the same time for it. */
function spin(): number {
  const started = performance.now()
  let state = 1
  for (let step = 0; step < 5_000_000; step += 1) state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
  const took = performance.now() - started
  return state === 0 ? 0 : took // uses the result, so that the loop stays
}

interface Ticks {
  readonly all: number
  readonly stolen: number
}

/**
 * The first line of /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal (proc(5)).
 */
function processorTicks(): Ticks | undefined {
  try {
    const [, ...fields] = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0]?.split(/\s+/) ?? []
    const ticks = fields.slice(0, 8).map(Number)
    return { all: ticks.reduce((sum, each) => sum + each, 0), stolen: ticks[7] ?? 0 }
  } catch {
    return undefined
  }
}

function stealSince(start: Ticks | undefined): number | undefined {
  const now = processorTicks()
  if (start === undefined || now === undefined || now.all === start.all) return undefined
  return (100 * (now.stolen - start.stolen)) / (now.all - start.all)
}
