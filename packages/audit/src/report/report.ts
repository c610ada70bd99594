import type { AuditRecord } from '@finchat/secrets-core'
import { invalidArgument, knownOptions, type MembersOf } from '@finchat/secrets-core/provider'
import { asciiJson, humanLine } from '../record/human-line.ts'
import type { AccessSummary, AuditSummary } from '../query/audit-summary.ts'
import { type Bar, barChart, dayBars, dayChart } from './charts.ts'
import { assertVerification, type ReportedVerification } from './reported-verification.ts'
import { verificationSeverity, verificationText } from './verification-summary.ts'
import { htmlPage } from './html.ts'
import { recordTable, summaryTables } from './tables.ts'
import { grouped, minute, seen } from './display-text.ts'
import { textReport } from './text.ts'

/** The formats of a report. */
export type ReportFormat = 'text' | 'json' | 'html'

/** What `summaryReport` and `recordsReport` take beside their content. */
export interface ReportOptions {
  /** `text` for a terminal, `json` for programs, `html` for one self-contained page with charts. */
  readonly format: ReportFormat
  /**
   * What `verifyAuditTrail` returned. Without it the report says that the trail was not verified.
   */
  readonly verification?: ReportedVerification | undefined
  /** Default: `Audit of secrets`. */
  readonly title?: string | undefined
}

const members: MembersOf<ReportOptions> = { format: 'string', verification: 'any', title: 'string' }

/**
 * Formats a summary as text, JSON or an HTML page. The page is self-contained: its policy forbids
 * scripts and loading. It is readable in light, dark, on paper and by screen readers; names are
 * shown as inert text. Throws `INVALID_ARGUMENT` for an unknown format, an invalid summary or an
 * invalid verification.
 *
 * @example
 * import { summarize, summaryReport } from '@finchat/secrets-audit/report'
 *
 * const page = summaryReport(await summarize([]), { format: 'html' })
 * console.log(page.startsWith('<!doctype html>')) // true
 */
export function summaryReport(summary: AuditSummary, options: ReportOptions): string {
  const { format, verification, title } = checked(options)
  if (!isSummary(summary))
    throw invalidArgument('the value is not a summary', 'pass await summarize(records), or the `result` of verifiedTrail')
  if (format === 'json') return `${asciiJson({ title, verification, summary })}\n`
  const head = [verificationText(verification), rangeOf(summary), ...unlistedNote(summary)]
  const tables = summaryTables(summary)
  if (format === 'text')
    return textReport(
      [
        seen(title),
        ...head,
        figures(summary)
          .map((pair) => pair.join(': '))
          .join(', '),
      ],
      tables,
    )
  return htmlPage({
    title: seen(title),
    head,
    tone: verificationSeverity(verification),
    figures: figures(summary),
    charts: charts(summary),
    tables,
  })
}

/**
 * Formats records as human lines, JSON or an HTML page, as `summaryReport` does. Throws
 * `INVALID_ARGUMENT` for an unknown format, an invalid list or an invalid verification.
 *
 * @example
 * import { recordsReport } from '@finchat/secrets-audit/report'
 *
 * console.log(JSON.parse(recordsReport([], { format: 'json' })).records.length) // 0
 */
export function recordsReport(records: readonly AuditRecord[], options: ReportOptions): string {
  const { format, verification, title } = checked(options)
  if (!Array.isArray(records) || records.some((record) => typeof record !== 'object' || record === null))
    throw invalidArgument('the value is not a list of records', 'pass await Array.fromAsync(queryRecords(…))')
  if (format === 'json') return `${asciiJson({ title, verification, records })}\n`
  const head = [verificationText(verification)]
  const lines = records.length === 0 ? ['(none)'] : records.map(humanLine)
  if (format === 'text') return `${[seen(title), ...head, '', ...lines].join('\n')}\n`
  const count = ['Records', grouped(records.length)] as const
  return htmlPage({
    title: seen(title),
    head,
    tone: verificationSeverity(verification),
    figures: [count],
    charts: [],
    tables: [recordTable(records)],
  })
}

function checked(options: ReportOptions): ReportOptions & { readonly title: string } {
  const { format, verification, title = 'Audit of secrets' } = knownOptions(options, members, 'INVALID_ARGUMENT')
  if (!['text', 'json', 'html'].includes(format)) throw invalidArgument('`format` is not known', 'use text, json or html')
  assertVerification(verification)
  return { format, verification, title }
}

/** A verification also has a number of records. */
function isSummary(summary: AuditSummary | undefined): summary is AuditSummary {
  const { days, accesses, secrets, providers, failures, rotations, notRotated } = summary ?? {}
  return [days, accesses, secrets, providers, failures, rotations, notRotated].every(Array.isArray)
}

function rangeOf({ from, to, records }: AuditSummary): string {
  if (from === undefined || to === undefined) return 'There are no records.'
  return `Records: ${grouped(records)}, from ${minute(from)} to ${minute(to)} UTC.`
}

function unlistedNote({ unlisted }: AuditSummary): string[] {
  return unlisted === 0 ? [] : [`Counted, but in no list, since there are too many different names: ${grouped(unlisted)} records.`]
}

function figures({ reads, changes, failed, secrets, accesses, missed }: AuditSummary): (readonly [string, string])[] {
  const actors = new Set(accesses.map(({ actor }) => actor)).size
  const counts = { Reads: reads, Changes: changes, Failed: failed, Secrets: secrets.length, Actors: actors, 'Records missed': missed }
  return Object.entries(counts).map(([label, count]) => [label, grouped(count)] as const)
}

const longestChart = 10

function charts({ days, accesses, providers }: AuditSummary): string[] {
  if (days.length === 0) return []
  const { bars, daysEach } = dayBars(days)
  return [
    dayChart(daysEach === 1 ? 'Operations a day' : `Operations, ${daysEach} days a column`, bars),
    barChart(
      'Secrets that are read most',
      readsBy(accesses, ({ name }) => name),
    ),
    barChart(
      'Who reads most',
      readsBy(accesses, ({ actor = '–' }) => actor),
    ),
    barChart(
      'Providers',
      providers.slice(0, longestChart).map(({ provider, ok, failed }) => ({ label: provider, ok, failed })),
    ),
  ]
}

function readsBy(accesses: readonly AccessSummary[], by: (access: AccessSummary) => string): readonly Bar[] {
  const bars = Array.from(Map.groupBy(accesses, by), ([label, rows]) => {
    const failed = rows.reduce((sum, row) => sum + row.failed, 0)
    return { label, ok: rows.reduce((sum, row) => sum + row.reads, 0) - failed, failed }
  })
  return bars.toSorted((a, b) => b.ok + b.failed - a.ok - a.failed).slice(0, longestChart)
}
