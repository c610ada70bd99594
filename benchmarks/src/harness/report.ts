import { rowsOf, type Row } from './claims.ts'
import type { Machine } from './machine.ts'
import type { Noise } from './noise.ts'
import type { Samples } from './rounds.ts'
import type { Scenario } from './scenario.ts'
import { statisticsOf } from './statistics.ts'
import { claimsTable, figureText, markdownTable, paragraph } from './table.ts'

/** One scenario with all that was measured in it. */
export interface Result {
  readonly group: string
  readonly name: string
  readonly title: string
  readonly metrics: Scenario['metrics']
  readonly roles: Readonly<Record<string, string>>
  readonly rows: readonly Row[]
  readonly samples: Samples
  readonly noise: Noise
}

/** What the JSON file holds. */
export interface Report {
  readonly date: string
  readonly command: string
  readonly rounds: number
  readonly machine: Machine
  readonly noise: Noise
  /** Of the packages that were compared. */
  readonly versions: Readonly<Record<string, string>>
  readonly results: readonly Result[]
}

export function resultOf(group: string, name: string, scenario: Scenario, samples: Samples, noise: Noise): Result {
  const roles = Object.fromEntries(Object.entries(scenario.entrants).map(([entrant, { role }]) => [entrant, role]))
  const { title, metrics } = scenario
  return { group, name, title, metrics, roles, rows: rowsOf(scenario, samples), samples, noise }
}

/** Where, when and how quiet. */
function circumstances({ date, command, rounds, machine, noise, versions }: Report): string {
  const { cores, cpu, memoryGB, system, node } = machine
  return [
    `\`${command}\` on ${date.slice(0, 10)}: Node.js ${node}, ${cores} cores of ${cpu}, ${memoryGB} GB, ${system}; ${rounds} rounds, medians (least to most).`,
    noiseText(noise),
    `Peers: ${Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', ')}.`,
  ]
    .map(paragraph)
    .join('\n\n')
}

/** When and on what, in one line. */
export function briefCircumstances({ date, machine: { cores, cpu, memoryGB, node } }: Report): string {
  return `Measured on ${date.slice(0, 10)}: Node.js ${node}, ${cores} cores of ${cpu}, ${memoryGB} GB.`
}

export function noiseText({ spin, loadAtStart, loadAtEnd, stealPercent }: Noise): string {
  const times = `${figureText(spin.median, 'ms')} (${figureText(spin.least, '')} to ${figureText(spin.most, '')})`
  const steal = stealPercent === undefined ? '' : `, ${figureText(stealPercent, '')} % of the processors taken by other guests`
  return `Noise: one fixed loop took ${times}; load ${figureText(loadAtStart, '')} before, ${figureText(loadAtEnd, '')} after${steal}.`
}

/** Every entrant of a scenario in every metric. */
export function detailTable({ metrics, roles, samples }: Result): string {
  const lines = Object.entries(samples).map(([entrant, rounds]) => [
    entrant,
    roles[entrant] ?? '',
    ...Object.keys(metrics).map((metric) => {
      const values = rounds.flatMap((sample) => sample[metric] ?? [])
      if (values.length === 0) return ''
      const { median, least, most } = statisticsOf(values)
      return least === most ? figureText(median, '') : `${figureText(median, '')} (${figureText(least, '')} to ${figureText(most, '')})`
    }),
  ])
  return markdownTable(
    ['contender', 'is', ...Object.entries(metrics).map(([metric, unit]) => (unit === '' ? metric : `${metric}, ${unit}`))],
    lines,
  )
}

/** Goals first, group by group, then every contender. */
export function reportText(report: Report): string {
  const groups = [...new Set(report.results.map(({ group }) => group))]
  const goals = groups.map((group) => {
    const rows = report.results.filter((result) => result.group === group).flatMap((result) => result.rows)
    return `### ${group}\n\n${claimsTable(rows)}`
  })
  const details = report.results.map((result) => `#### ${result.title}\n\n${detailTable(result)}`)
  return [circumstances(report), ...goals, '### Every contender', ...details].join('\n\n')
}

export function missedIn({ results }: Report): string[] {
  return results.flatMap(({ rows }) => rows.filter(({ met }) => met === false).map(({ what, goal }) => `${what}: ${goal}`))
}
