import { callsBySecond, fleetSizes, type MeanAndPeak, meanAndPeak } from './figures.ts'
import type { ReturnOptions, ReturnRun } from './returns.ts'
import { outages } from './timeline.ts'

/** Times and loads at the store's return, in one setting. */
export interface ReturnFigures extends Pick<ReturnOptions, 'held' | 'fault' | 'hasSharedCache' | 'secrets'> {
  /** Seconds from the store's return to the first fresh answer. */
  readonly seconds: { readonly early: number; readonly median: number; readonly late: number; readonly worst: number }
  /** Answers that did not come. */
  readonly unanswered: number
  readonly loads: readonly ReturnLoad[]
}

/** Calls per second to the store, for a fleet of that size. */
interface ReturnLoad {
  readonly processes: number
  readonly outage: MeanAndPeak
  /** The highest second after its return. */
  readonly returnPeak: number
}

export interface ReturnsReport {
  readonly sample: number
  readonly settings: readonly ReturnFigures[]
  /** Reads that failed in the outages, and those of them whose error had a `retryAt`. */
  readonly failedReads: number
  readonly failedWithRetryAt: number
}

/** Nine tenths of the times lie between these quantiles. */
const [early, late] = [0.05, 0.95]

export function returnsReport(sample: number, runs: readonly ReturnRun[]): ReturnsReport {
  const total = (count: (run: ReturnRun) => number): number => runs.reduce((sum, run) => sum + count(run), 0)
  return {
    sample,
    settings: runs.map(returnFiguresOf),
    failedReads: total(({ failedReads }) => failedReads),
    failedWithRetryAt: total(({ failedWithRetryAt }) => failedWithRetryAt),
  }
}

export function returnFiguresOf(run: ReturnRun): ReturnFigures {
  const { held, fault, hasSharedCache, secrets, unanswered, answeredAfterMs } = run
  const at = (part: number): number => (answeredAfterMs[Math.ceil(part * answeredAfterMs.length) - 1] ?? NaN) / 1000
  const seconds = { early: at(early), median: at(0.5), late: at(late), worst: at(1) }
  return { held, fault, hasSharedCache, secrets, seconds, unanswered, loads: fleetSizes.map((processes) => loadOf(processes, run)) }
}

function loadOf(processes: number, { calls, sample, held }: ReturnRun): ReturnLoad {
  const { from, backAt, end } = outages[held]
  const course = callsBySecond(calls, processes / sample, end)
  return { processes, outage: meanAndPeak(course.slice(from, backAt)), returnPeak: Math.max(...course.slice(backAt)) }
}
