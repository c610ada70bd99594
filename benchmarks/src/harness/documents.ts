import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { circumstances, reportText, type Report } from './report.ts'
import { shortTable } from './table.ts'

const root = new URL('../../../', import.meta.url)
const resultsFile = new URL('benchmarks/results.json', root)
const begin = '<!-- written by pnpm bench --write -->'
const end = '<!-- end of what pnpm bench wrote -->'

/** Each document with the part of it that the benchmark writes. */
const documents: Readonly<Record<string, (report: Report) => string>> = {
  'benchmarks/README.md': reportText,
  'README.md': (report) => {
    const rows = report.results.flatMap((result) => result.rows).filter(({ goal }) => goal !== undefined)
    return `${circumstances(report)}\n\n${shortTable(rows)}`
  },
}

/** Writes the figures into the documents, and what they were taken from beside them. */
export function writeDocuments(report: Report): void {
  writeFileSync(resultsFile, `${JSON.stringify(report, null, 1)}\n`)
  for (const path of Object.keys(documents)) writeFileSync(new URL(path, root), withFigures(path, report))
}

/** Paths of documents whose figures are not those of the results file: figures without one, or changed by hand. */
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
