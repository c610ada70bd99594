import { markdownTable, paragraph } from '../harness/table.ts'
import { cell, counted, marked } from './cells.ts'
import { coldStartsText } from './cold-start-report.ts'
import { fleetSizes, limits, listPrice, secondsOfMonth, type FleetFigures, type FleetReport, type PhaseFigures } from './figures.ts'
import { returnsText } from './return-report.ts'
import { phases } from './timeline.ts'

/** The figures as Markdown. */
export function reportText(report: FleetReport): string {
  const { command, sample, secrets, seed, reads, failedReads } = report
  return [
    paragraph(
      `\`${command}\`: ${sample.toLocaleString('en')} managers, seed ${seed}, ${secrets} secrets each. Calls per second: the mean, and the highest second in brackets; **bold** is above the quota.`,
    ),
    callsTable(report),
    paragraph(
      `A month of steady state at the list price of AWS Secrets Manager, $${listPrice} for 10,000 calls. Each secret adds $0.40, also if no process reads it.`,
    ),
    moneyTable(report),
    'Reads of the shared cache, the load of its server:',
    sharedCacheTable(report),
    `${reads.toLocaleString('en')} reads, ${failedReads.toLocaleString('en')} failed.`,
    paragraph(
      'Calls of `BatchGetSecretValue` in the highest second, if every process starts with one `getSecrets` of all its secrets. The quota is 100.',
    ),
    batchTable(report),
    coldStartsText(report.coldStarts),
    returnsText(report.returns),
  ].join('\n\n')
}

function callsTable(report: FleetReport): string {
  const columns = fleetSizes.flatMap((size) => [false, true].map((hasSharedCache) => fleetOf(report, size, hasSharedCache)))
  const head = [
    '',
    ...columns.map(({ processes, hasSharedCache }) => `${counted(processes)}, ${hasSharedCache ? 'shared cache' : 'each by itself'}`),
  ]
  const lines = phases.map(({ name, title }) => [
    title,
    ...columns.map((fleet) => cell(figuresIn(fleet.phases, name), limits.getSecretValue)),
  ])
  return markdownTable(head, lines)
}

function moneyTable(report: FleetReport): string {
  const lines = fleetSizes.flatMap((size) =>
    [false, true].map((hasSharedCache) => {
      const calls = figuresIn(fleetOf(report, size, hasSharedCache).phases, 'steady').mean * secondsOfMonth
      return [
        `${counted(size)}, ${hasSharedCache ? 'shared cache' : 'each by itself'}`,
        counted(calls),
        `$${counted((calls / 10_000) * listPrice)}`,
      ]
    }),
  )
  return markdownTable(['', 'calls a month', 'US dollars a month'], lines)
}

function sharedCacheTable(report: FleetReport): string {
  const columns = fleetSizes.map((size) => fleetOf(report, size, true))
  const head = ['', ...columns.map(({ processes }) => `${counted(processes)} processes`)]
  const lines = phases.map(({ name, title }) => [
    title,
    ...columns.map((fleet) => cell(figuresIn(fleet.sharedCachePhases, name), Infinity)),
  ])
  return markdownTable(head, lines)
}

function batchTable(report: FleetReport): string {
  const lines = fleetSizes.map((size) => [
    `${counted(size)} processes`,
    ...[false, true].map((hasSharedCache) => marked(fleetOf(report, size, hasSharedCache).batchPeak, limits.batchGetSecretValue)),
  ])
  return markdownTable(['', 'each by itself', 'shared cache'], lines)
}

function fleetOf({ fleets }: FleetReport, size: number, hasSharedCache: boolean): FleetFigures {
  const fleet = fleets.find((each) => each.processes === size && each.hasSharedCache === hasSharedCache)
  if (!fleet) throw new Error(`the report lacks a fleet of ${size}`)
  return fleet
}

function figuresIn(all: readonly PhaseFigures[], name: string): PhaseFigures {
  const found = all.find(({ phase }) => phase === name)
  if (!found) throw new Error(`the report lacks the phase ${name}`)
  return found
}
