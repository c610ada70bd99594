import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { chart } from './chart.ts'
import type { FleetReport } from './figures.ts'
import { reportText } from './report.ts'

const folder = new URL('../../../docs/', import.meta.url)
const [figures, picture, page] = ['fleet.json', 'fleet.svg', 'fleet.md']
const [begin, end] = ['<!-- written by pnpm fleet --write -->', '<!-- end of what pnpm fleet wrote -->']

/** Writes the figures, the chart, and the tables of the page. */
export function writeDocuments(report: FleetReport): void {
  for (const [name, text] of contents(report)) writeFileSync(new URL(name, folder), text)
}

/** Files in docs/ that differ from what the command writes. */
export function alteredDocuments(): string[] {
  const report = JSON.parse(read(figures)) as FleetReport // written above
  return contents(report).flatMap(([name, text]) => (existsSync(new URL(name, folder)) && read(name) === text ? [] : [name]))
}

function contents(report: FleetReport): [name: string, text: string][] {
  return [
    [figures, `${JSON.stringify(report)}\n`],
    [picture, chart(report)],
    [page, pageWith(reportText(report))],
  ]
}

function pageWith(table: string): string {
  const text = read(page)
  const [from, to] = [text.indexOf(begin), text.indexOf(end)]
  if (from === -1 || to < from) throw new Error(`docs/${page} lacks the lines between which its figures stand`)
  return `${text.slice(0, from + begin.length)}\n\n${table}\n\n${text.slice(to)}`
}

function read(name: string): string {
  return readFileSync(new URL(name, folder), 'utf8')
}
