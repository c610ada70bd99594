import type { Samples } from './rounds.ts'
import type { Claim, Goal, Scenario, Unit } from './scenario.ts'
import { pairedDifference, pairedRatio, statisticsOf, type Statistics } from './statistics.ts'

export interface Figure extends Statistics {
  readonly entrant: string
}

/** A claim with what was measured. */
export interface Row {
  readonly what: string
  readonly unit: Unit
  readonly ours: Figure
  readonly peer?: Figure | undefined
  readonly limit?: Figure | undefined
  /** Ours to the other, the median of the rounds' ratios. */
  readonly toPeer?: number | undefined
  readonly toLimit?: number | undefined
  readonly goal?: string | undefined
  readonly met?: boolean | undefined
}

export function rowsOf(scenario: Scenario, samples: Samples): Row[] {
  return scenario.claims.map((claim) => rowOf(claim, scenario.metrics[claim.metric] ?? '', samples))
}

function rowOf({ what, metric, ours, peer, limit, goal }: Claim, unit: Unit, samples: Samples): Row {
  const valuesOf = (entrant: string): number[] => (samples[entrant] ?? []).map((sample) => metricIn(sample, metric))
  const figure = (entrant: string): Figure => ({ entrant, ...statisticsOf(valuesOf(entrant)) })
  const others: Others = { peer: peer === undefined ? undefined : valuesOf(peer), limit: limit === undefined ? undefined : valuesOf(limit) }
  const own = valuesOf(ours)
  return {
    what,
    unit,
    ours: figure(ours),
    peer: peer === undefined ? undefined : figure(peer),
    limit: limit === undefined ? undefined : figure(limit),
    toPeer: others.peer ? pairedRatio(own, others.peer) : undefined,
    toLimit: others.limit ? pairedRatio(own, others.limit) : undefined,
    goal: goal && textOf(goal, unit),
    met: goal && isMet(goal, own, others),
  }
}

function metricIn(sample: Readonly<Record<string, number>>, metric: string): number {
  const value = sample[metric]
  if (value === undefined) throw new Error(`no contender measured '${metric}'`)
  return value
}

type Others = Readonly<Record<'peer' | 'limit', readonly number[] | undefined>>

function isMet(goal: Goal, own: readonly number[], others: Others): boolean {
  if (goal.kind === 'value') return statisticsOf(own).median <= goal.atMost
  const other = others[goal.to]
  if (other === undefined) throw new Error(`a goal compares with the ${goal.to}, and the claim names none`)
  if (goal.kind === 'difference') return pairedDifference(own, other) <= goal.atMost
  return pairedRatio(own, other) <= (goal.kind === 'faster' ? 1 / goal.times : goal.atMost)
}

function textOf(goal: Goal, unit: Unit): string {
  if (goal.kind === 'value') return `≤ ${goal.atMost} ${unit}`.trim()
  if (goal.kind === 'difference') return `≤ ${goal.to} + ${goal.atMost} ${unit}`.trim()
  if (goal.kind === 'faster') return `${goal.times} × faster than ${goal.to}`
  return goal.atMost === 1 ? `≤ ${goal.to}` : `≤ ${goal.atMost} × ${goal.to}`
}
