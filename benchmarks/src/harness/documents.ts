import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import type { Row } from './claims.ts'
import { briefCircumstances, reportText, type Report } from './report.ts'
import { shortTable } from './table.ts'

const root = new URL('../../../', import.meta.url)
const resultsFile = new URL('benchmarks/results.json', root)
const begin = '<!-- written by pnpm bench --write -->'
const end = '<!-- end of what pnpm bench wrote -->'

/** Each document with the part of it that the benchmark writes. */
const documents: Readonly<Record<string, (report: Report) => string>> = {
  'benchmarks/README.md': reportText,
  'README.md': (report) => `${briefCircumstances(report)}\n\n${shortTable(rowsUsersFeel(report))}`,
}

/** Rows of the root README, in this order: what a service feels at its start and at each read. */
const felt = [
  'cached getSecret',
  '10,000 cold reads: calls to the store',
  'import of core and a manager',
  'size of core and a manager, gzipped',
  'start to first AWS secret',
]

function rowsUsersFeel({ results }: Report): Row[] {
  const rows = results.flatMap((result) => result.rows)
  return felt.flatMap((name) => rows.find(({ what }) => what === name) ?? [])
}

/** The results with one line for each scenario and six digits for each number. */
export function compactJson({ results, ...run }: Report): string {
  const line = (value: unknown): string =>
    JSON.stringify(value, (_, member: unknown) => (typeof member === 'number' ? Number(member.toPrecision(6)) : member))
  return `${line(run).slice(0, -1)},"results":[\n${results.map(line).join(',\n')}\n]}\n`
}

/** Writes the figures into the documents, and the results that they are taken from beside them. */
export function writeDocuments(report: Report): void {
  writeFileSync(resultsFile, compactJson(report))
  for (const path of Object.keys(documents)) writeFileSync(new URL(path, root), withFigures(path, report))
}

/**
 * Paths of documents whose figures are not those of the results file: figures without one, or
 * changed by hand.
 */
export function alteredDocuments(): string[] {
  const report = existsSync(resultsFile) ? (JSON.parse(readFileSync(resultsFile, 'utf8')) as Report) : undefined // written above
  return Object.keys(documents).filter((path) => readFileSync(new URL(path, root), 'utf8') !== withFigures(path, report))
}

function withFigures(path: string, report: Report | undefined): string {
  const text = readFileSync(new URL(path, root), 'utf8')
  const [before, rest] = cut(text, begin)
  const after = cut(rest, end)[1]
  const figures = report === undefined ? 'Not measured yet.' : documents[path]?.(report)
  return `${before}${begin}\n\n${figures}\n\n${end}${after}`
}

function cut(text: string, mark: string): [string, string] {
  const at = text.indexOf(mark)
  if (at === -1) throw new Error(`a document lacks the line ${mark}`)
  return [text.slice(0, at), text.slice(at + mark.length)]
}
