import type { ColdStartFigures } from './cold-start-report.ts'
import type { Calls } from './counting-store.ts'
import type { ReturnsReport } from './return-figures.ts'
import type { FleetRun } from './simulate.ts'
import { phases } from './timeline.ts'

/**
 * Quotas of an account in one region, not adjustable. DescribeSecret counts with GetSecretValue
 * (AWS Secrets Manager user guide, "Quotas").
 */
export const limits = { getSecretValue: 10_000, batchGetSecretValue: 100 } as const

/** US dollars for 10,000 calls, list price of AWS Secrets Manager; a secret adds 0.40 a month. */
export const listPrice = 0.05

/** Thirty days. */
export const secondsOfMonth: number = 30 * 86_400

export const fleetSizes: readonly number[] = [10_000, 100_000]

/** Calls per second. */
export interface MeanAndPeak {
  readonly mean: number
  /** The highest second. */
  readonly peak: number
}

/** Calls per second to the store in one phase. */
export interface PhaseFigures extends MeanAndPeak {
  readonly phase: string
}

/** Calls of a fleet of that size to the store, with or without the shared cache. */
export interface FleetFigures {
  readonly processes: number
  readonly hasSharedCache: boolean
  readonly phases: readonly PhaseFigures[]
  /** Reads of the shared cache: the load of its server. */
  readonly sharedCachePhases: readonly PhaseFigures[]
  /** Means of ten seconds each, from the beginning. */
  readonly course: readonly number[]
  /** Calls of BatchGetSecretValue in the highest second, if processes start with `getSecrets`. */
  readonly batchPeak: number
}

export interface FleetReport {
  readonly command: string
  readonly sample: number
  readonly secrets: number
  readonly seed: number
  readonly fleets: readonly FleetFigures[]
  readonly coldStarts: readonly ColdStartFigures[]
  readonly returns: ReturnsReport
  /** Reads that failed in all runs, and how many there were. */
  readonly failedReads: number
  readonly reads: number
}

export function figuresOf(processes: number, run: FleetRun, preload: FleetRun): FleetFigures {
  const weight = processes / run.sample
  const course = callsBySecond(run.calls, weight, lastPhaseEnds)
  return {
    processes,
    hasSharedCache: run.hasSharedCache,
    phases: inPhases(course),
    sharedCachePhases: inPhases(callsBySecond(run.sharedCacheReads, weight, lastPhaseEnds)),
    course: everyTen(course),
    batchPeak: Math.max(...callsBySecond(preload.batches, weight, lastPhaseEnds)),
  }
}

/** `weight`: the processes that one manager of the sample stands for. */
export function callsBySecond({ forOne, forAll }: Calls, weight: number, end: number): number[] {
  return Array.from({ length: end }, (_, second) => (forOne[second] ?? 0) * weight + (forAll[second] ?? 0))
}

const lastPhaseEnds = Math.max(...phases.map(({ to }) => to))

function inPhases(calls: readonly number[]): PhaseFigures[] {
  return phases.map(({ name, from, to }) => ({ phase: name, ...meanAndPeak(calls.slice(from, to)) }))
}

export function meanAndPeak(calls: readonly number[]): MeanAndPeak {
  return { mean: rounded(sum(calls) / calls.length), peak: Math.max(...calls) }
}

function everyTen(calls: readonly number[]): number[] {
  return Array.from({ length: calls.length / 10 }, (_, n) => rounded(sum(calls.slice(10 * n, 10 * n + 10)) / 10))
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100
}
