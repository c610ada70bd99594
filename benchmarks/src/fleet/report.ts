import { markdownTable } from '../harness/table.ts'
import { cell, counted, marked } from './cells.ts'
import { coldStartsText } from './cold-start-report.ts'
import { fleetSizes, limits, type FleetFigures, type FleetReport, type PhaseFigures } from './figures.ts'
import { returnsText } from './return-report.ts'
import { phases } from './timeline.ts'

/** The figures as Markdown: what a second costs in each phase, what it takes to start by batches, and how fast a fleet has its store again. */
export function reportText(report: FleetReport): string {
  const { command, sample, secrets, seed, reads, failedReads } = report
  return [
    `\`${command}\`: ${sample.toLocaleString('en')} managers, seed ${seed}, ${secrets} secrets each. Calls per second: the mean, and the highest second in brackets; **bold** is above the quota.`,
    callsTable(report),
    'Reads of the shared cache, which its server has to bear:',
    levelTable(report),
    `Of ${reads.toLocaleString('en')} reads ${failedReads.toLocaleString('en')} failed.`,
    'Where every process starts with one `getSecrets` of all its secrets, calls of `BatchGetSecretValue` in the highest second, of the 100 that the quota allows:',
    batchTable(report),
    coldStartsText(report.coldStarts),
    returnsText(report.returns),
  ].join('\n\n')
}

function callsTable(report: FleetReport): string {
  const columns = fleetSizes.flatMap((size) => [false, true].map((hasLevel) => fleetOf(report, size, hasLevel)))
  const head = ['', ...columns.map(({ processes, hasLevel }) => `${counted(processes)}, ${hasLevel ? 'shared cache' : 'each by itself'}`)]
  const lines = phases.map(({ name, title }) => [
    title,
    ...columns.map((fleet) => cell(figuresIn(fleet.phases, name), limits.getSecretValue)),
  ])
  return markdownTable(head, lines)
}

function levelTable(report: FleetReport): string {
  const columns = fleetSizes.map((size) => fleetOf(report, size, true))
  const head = ['', ...columns.map(({ processes }) => `${counted(processes)} processes`)]
  const lines = phases.map(({ name, title }) => [title, ...columns.map((fleet) => cell(figuresIn(fleet.levelPhases, name), Infinity))])
  return markdownTable(head, lines)
}

function batchTable(report: FleetReport): string {
  const lines = fleetSizes.map((size) => [
    `${counted(size)} processes`,
    ...[false, true].map((hasLevel) => marked(fleetOf(report, size, hasLevel).batchPeak, limits.batchGetSecretValue)),
  ])
  return markdownTable(['', 'each by itself', 'shared cache'], lines)
}

function fleetOf({ fleets }: FleetReport, size: number, hasLevel: boolean): FleetFigures {
  const fleet = fleets.find((each) => each.processes === size && each.hasLevel === hasLevel)
  if (!fleet) throw new Error(`the report lacks a fleet of ${size}`)
  return fleet
}

function figuresIn(all: readonly PhaseFigures[], name: string): PhaseFigures {
  const found = all.find(({ phase }) => phase === name)
  if (!found) throw new Error(`the report lacks the phase ${name}`)
  return found
}
