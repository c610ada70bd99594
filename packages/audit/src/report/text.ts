import { asciiJson } from '../record/human-line.ts'
import type { ReportTable } from './tables.ts'
import { leftOutNote, shown } from './display-text.ts'

/** A report for a terminal, in printable characters. */
export function textReport(head: readonly string[], tables: readonly ReportTable[]): string {
  return `${[head.map(plain).join('\n'), ...tables.map(textTable)].join('\n\n')}\n`
}

/** Views are as long as on a page; everything else is whole. */
function textTable({ title, note, columns, rows: all, order, most = Infinity }: ReportTable): string {
  const rows = all.slice(0, most)
  const cells = rows.map((row) => row.map((value, index) => plain(shown(value, columns[index]?.kind ?? 'text'))))
  const titles = columns.map((column) => column.title)
  const widths = titles.map((heading, index) => Math.max(heading.length, ...cells.map((row) => row[index]?.length ?? 0)))
  const isRight = columns.map(({ kind }) => kind === 'number' || kind === 'share')
  const line = (texts: readonly string[]): string =>
    texts.map((text, index) => padded(text, widths[index] ?? 0, isRight[index] === true)).join('  ')
  const body = rows.length === 0 ? ['(none)'] : [line(titles), ...cells.map(line)]
  const notes = [...(note === undefined ? [] : [note]), ...leftOutNote(rows.length, all.length, order)]
  return [title, ...notes, ...body.map((text) => `  ${text.trimEnd()}`)].join('\n')
}

function padded(text: string, width: number, isRight: boolean): string {
  return isRight ? text.padStart(width) : text.padEnd(width)
}

/** Right-to-left letters would reorder their neighbours, so non-ASCII is escaped. */
export function plain(text: string): string {
  return /^[\x20-\x7e–…]*$/.test(text) ? text : asciiJson(text).slice(1, -1).replaceAll('\\\\', '\\').replaceAll('\\"', '"')
}
