import { isoTime } from '../record/record-text.ts'
import { seen } from './display-text.ts'
import { type AuditRecords, assertRecords } from '../query/query.ts'
import type { ReportCell, ReportColumn, ReportTable } from './tables.ts'

const columns = [
  'time',
  'operation',
  'name',
  'phase',
  'outcome',
  'code',
  'actor',
  'provider',
  'version',
  'from',
  'service',
  'host',
  'pid',
  'requestId',
] as const

/**
 * Yields records as CSV (RFC 4180) for a spreadsheet: a line of headings, then one a record, in
 * their order. Times are ISO 8601 in UTC. A text that a spreadsheet would run as a formula gets a
 * `'` before it, and invisible characters are escaped. Throws `INVALID_ARGUMENT` if `records` is
 * not iterable.
 *
 * @example
 * import { csvLines } from '@finchat/secrets-audit/report'
 *
 * for await (const line of csvLines([])) console.log(line.startsWith('"time","operation","name"')) // true
 */
export function csvLines(records: AuditRecords): AsyncGenerator<string> {
  assertRecords(records)
  return linesOf(records)
}

async function* linesOf(records: AuditRecords): AsyncGenerator<string> {
  yield lineOf(columns)
  for await (const record of records) yield lineOf(columns.map((column) => (column === 'time' ? isoTime(record.time) : record[column])))
}

function lineOf(cells: readonly ReportCell[]): string {
  return `${cells.map((cell) => `"${inert(seen(String(cell ?? ''), Infinity)).replaceAll('"', '""')}"`).join(',')}\r\n`
}

/** Whole tables, one behind the other: a line with the title, one of headings, then the rows. */
export function csvTables(head: readonly string[], tables: readonly ReportTable[]): string {
  const blocks = tables.filter(({ isView }) => isView !== true).map(csvTable)
  return [head.map((text) => lineOf([text])).join(''), ...blocks].join('\r\n')
}

function csvTable({ title, columns: heads, rows }: ReportTable): string {
  const lines = rows.map((row) => lineOf(row.map((value, index) => cellOf(value, heads[index]?.kind ?? 'text'))))
  return [lineOf([title]), lineOf(heads.map((head) => head.title)), ...lines].join('')
}

function cellOf(value: ReportCell, kind: ReportColumn['kind']): ReportCell {
  return kind === 'time' && typeof value === 'number' ? isoTime(value) : value
}

/** Spreadsheets run what begins so, also in their full width, and behind spaces. */
const formula = /^\s*[=+\-@＝＋－＠]/

function inert(text: string): string {
  return formula.test(text) ? `'${text}` : text
}
