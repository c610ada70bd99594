import { asciiJson } from '../record/human-line.ts'
import type { ReportTable } from './tables.ts'
import { shown } from './display-text.ts'

/** A report for a terminal, in printable characters. */
export function textReport(head: readonly string[], tables: readonly ReportTable[]): string {
  return `${[head.join('\n'), ...tables.map(textTable)].join('\n\n')}\n`
}

function textTable({ title, note, columns, rows }: ReportTable): string {
  const cells = rows.map((row) => row.map((value, index) => plain(shown(value, columns[index]?.kind ?? 'text'))))
  const titles = columns.map((column) => column.title)
  const widths = titles.map((heading, index) => Math.max(heading.length, ...cells.map((row) => row[index]?.length ?? 0)))
  const isRight = columns.map(({ kind }) => kind === 'number')
  const line = (texts: readonly string[]): string =>
    texts.map((text, index) => padded(text, widths[index] ?? 0, isRight[index] === true)).join('  ')
  const body = rows.length === 0 ? ['(none)'] : [line(titles), ...cells.map(line)]
  return [title, ...(note === undefined ? [] : [note]), ...body.map((text) => `  ${text.trimEnd()}`)].join('\n')
}

function padded(text: string, width: number, isRight: boolean): string {
  return isRight ? text.padStart(width) : text.padEnd(width)
}

/** Right-to-left letters would reorder their neighbours, so non-ASCII is escaped. */
function plain(text: string): string {
  return /^[\x20-\x7e–…]*$/.test(text) ? text : asciiJson(text).slice(1, -1).replaceAll('\\\\', '\\').replaceAll('\\"', '"')
}
