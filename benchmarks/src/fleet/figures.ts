import type { ColdStartFigures } from './cold-start-report.ts'
import type { Calls } from './counting-store.ts'
import type { ReturnsReport } from './return-figures.ts'
import type { FleetRun } from './simulate.ts'
import { phases } from './timeline.ts'

/** Default quotas of an account in one region, not adjustable; DescribeSecret counts with GetSecretValue (AWS Secrets Manager user guide, "Quotas"). */
export const limits = { getSecretValue: 10_000, batchGetSecretValue: 100 } as const

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

/** What a fleet of that size asks of the store, with the shared level or without. */
export interface FleetFigures {
  readonly processes: number
  readonly hasLevel: boolean
  readonly phases: readonly PhaseFigures[]
  /** The same of reads of the shared level: what the cache server has to bear. */
  readonly levelPhases: readonly PhaseFigures[]
  /** Means of ten seconds each, from the beginning. */
  readonly course: readonly number[]
  /** When every process starts with one `getSecrets` of all: calls of BatchGetSecretValue in the highest second. */
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
    hasLevel: run.hasLevel,
    phases: inPhases(course),
    levelPhases: inPhases(callsBySecond(run.levelReads, weight, lastPhaseEnds)),
    course: everyTen(course),
    batchPeak: Math.max(...callsBySecond(preload.batches, weight, lastPhaseEnds)),
  }
}

/** Each manager of the sample stands for so many; what one process asked for all is one call of any fleet. */
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
