import type { AuditRecord } from '@finchat/secrets-core'
import { invalidArgument, knownOptions, type MembersOf } from '@finchat/secrets-core/provider'
import { asciiJson, humanLine } from '../record/human-line.ts'
import type { AuditSummary, UnreadableName } from '../query/audit-summary.ts'
import { unreadableIn } from '../query/unreadable-names.ts'
import { accessTables, recordTable } from './access-tables.ts'
import { charts } from './charts.ts'
import { csvTables } from './csv.ts'
import { eventTables } from './event-tables.ts'
import {
  assertTrails,
  hostTable,
  missingOf,
  type Reported,
  type ReportedTrail,
  sentencesOn,
  severityOf,
  trailTable,
} from './reported-trails.ts'
import { assertVerification, type ReportedVerification } from './reported-verification.ts'
import type { Severity } from './verification-summary.ts'
import { htmlPage } from './html.ts'
import { grouped, minute, seen } from './display-text.ts'
import { unexplainedIn, unreadableTables } from './unreadable-names.ts'
import type { ReportTable } from './tables.ts'
import { plain, textReport } from './text.ts'

/** The formats of a report. */
export type ReportFormat = 'text' | 'json' | 'html' | 'csv'

/** What a report is about, beside its records. */
export interface ReportSubject {
  /**
   * What `verifyAuditTrail` returned. Without it the report says that the trail was not verified.
   */
  readonly verification?: ReportedVerification | undefined
  /** The `trails` of `verifiedTrails`, in place of `verification`: one or many folders. */
  readonly trails?: readonly ReportedTrail[] | undefined
  /** Hosts or services that should be there, such as `web-1` or `web-*`: a missing one is named. */
  readonly expected?: readonly string[] | undefined
  /** Names that are shown as pseudonyms, as \`openAuditNames\` counted them. Default: those of the summary or records. */
  readonly names?: readonly UnreadableName[] | undefined
}

/** What `summaryReport` and `recordsReport` take beside their content. */
export interface ReportOptions extends ReportSubject {
  /**
   * `text` for a terminal, `json` for programs, `csv` for a spreadsheet, `html` for one self-contained
   * page with charts. A page shows 500 rows of a table and says so; the others have all.
   */
  readonly format: ReportFormat
  /** Default: `Audit of secrets`. */
  readonly title?: string | undefined
  /** The times that were asked for, epoch milliseconds: shown, and not applied. */
  readonly range?: { readonly from?: number | undefined; readonly until?: number | undefined } | undefined
  /** When the report is made, epoch milliseconds. Default: now. */
  readonly madeAt?: number | undefined
}

const subjectMembers: MembersOf<ReportSubject> = { verification: 'any', trails: 'any', expected: 'any', names: 'any' }
const members: MembersOf<ReportOptions> = { ...subjectMembers, format: 'string', title: 'string', range: 'any', madeAt: 'number' }

/**
 * Formats a summary as text, JSON, CSV or an HTML page. The page is self-contained: its policy
 * forbids scripts and loading. It is readable in light, dark, on paper and by screen readers; names
 * are shown as inert text. All times are in UTC. Throws `INVALID_ARGUMENT` for an unknown format, an
 * invalid summary or an invalid verification.
 *
 * @example
 * import { summarize, summaryReport } from '@finchat/secrets-audit/report'
 *
 * const page = summaryReport(await summarize([]), { format: 'html' })
 * console.log(page.startsWith('<!doctype html>')) // true
 */
export function summaryReport(summary: AuditSummary, options: ReportOptions): string {
  assertSummary(summary)
  const report = checked(options, summary.unreadable)
  const { format, expected, trails, names } = report
  const verdict = { severity: severityOf(report, summary.hosts), sentences: sentencesOn(report, summary.hosts) }
  if (format === 'json')
    return jsonReport(report, { ...verdict, missing: missingOf(expected, summary.hosts), unexplained: unexplainedIn(report), summary })
  const tables = [
    ...(trails.some(({ folder }) => folder !== undefined) ? [trailTable(trails)] : []),
    hostTable(summary, expected, endOf(report)),
    ...unreadableTables(names, trails),
    ...eventTables(summary),
    ...accessTables(summary),
  ]
  const sentences = [...verdict.sentences, rangeOf(summary), ...unlistedNote(summary)]
  return formatted(report, { ...verdict, sentences, figures: figures(summary), charts: format === 'html' ? charts(summary) : [], tables })
}

/**
 * The severity of the verdict: the worst of the folders, and `open` if an expected host is missing in
 * the summary. Throws `INVALID_ARGUMENT` as `summaryReport` does, and for `expected` without a summary.
 *
 * @example
 * import { reportSeverity } from '@finchat/secrets-audit/report'
 *
 * console.log(reportSeverity({ trails: [{ folder: 'copy/audit' }] })) // open
 */
export function reportSeverity(subject: ReportSubject, summary?: AuditSummary): Severity {
  return severityOf(subjectOf(knownOptions(subject, subjectMembers, 'INVALID_ARGUMENT'), summary?.unreadable), hostsIn(subject, summary))
}

/**
 * The verdict in words, for an auditor: on all folders, then on each. Throws `INVALID_ARGUMENT` as
 * `reportSeverity` does.
 *
 * @example
 * import { reportSentences, summarize } from '@finchat/secrets-audit/report'
 *
 * const [first] = reportSentences({ expected: ['web-1'] }, await summarize([]))
 * console.log(first) // Missing: no record of web-1, expected in this report.
 */
export function reportSentences(subject: ReportSubject, summary?: AuditSummary): readonly string[] {
  return sentencesOn(subjectOf(knownOptions(subject, subjectMembers, 'INVALID_ARGUMENT'), summary?.unreadable), hostsIn(subject, summary))
}

function hostsIn({ expected = [] }: ReportSubject, summary: AuditSummary | undefined): AuditSummary['hosts'] {
  if (summary === undefined && expected.length === 0) return []
  assertSummary(summary)
  return summary.hosts
}

/**
 * Formats records as human lines, JSON, CSV or an HTML page, as `summaryReport` does. Throws
 * `INVALID_ARGUMENT` for an unknown format, an invalid list or an invalid verification.
 *
 * @example
 * import { recordsReport } from '@finchat/secrets-audit/report'
 *
 * console.log(JSON.parse(recordsReport([], { format: 'json' })).records.length) // 0
 */
export function recordsReport(records: readonly AuditRecord[], options: ReportOptions): string {
  if (!Array.isArray(records) || records.some((record) => typeof record !== 'object' || record === null))
    throw invalidArgument('the value is not a list of records', 'pass await Array.fromAsync(queryRecords(…))')
  const report = checked(options, unreadableIn(records))
  const hosts = hostsOf(records)
  const verdict = { severity: severityOf(report, hosts), sentences: sentencesOn(report, hosts) }
  if (report.format === 'json')
    return jsonReport(report, { ...verdict, missing: missingOf(report.expected, hosts), unexplained: unexplainedIn(report), records })
  const lines = records.length === 0 ? ['(none)'] : records.map(humanLine)
  if (report.format === 'text') return `${[...[...headOf(report), ...verdict.sentences].map(plain), '', ...lines].join('\n')}\n`
  const count = ['Records', grouped(records.length)] as const
  const tables = [...unreadableTables(report.names, report.trails), recordTable(records)]
  return formatted(report, { ...verdict, figures: [count], charts: [], tables })
}

interface Content {
  readonly severity: Severity
  readonly sentences: readonly string[]
  readonly figures: readonly (readonly [label: string, value: string])[]
  readonly charts: readonly string[]
  readonly tables: readonly ReportTable[]
}

function formatted(report: CheckedOptions, { severity, sentences, figures: counts, charts: drawn, tables }: Content): string {
  const head = headOf(report)
  if (report.format === 'csv') return csvTables([...head, ...sentences], tables)
  if (report.format === 'text') return textReport([...head, ...sentences, counts.map((pair) => pair.join(': ')).join(', ')], tables)
  return htmlPage({ title: seen(report.title), severity, sentences, about: aboutOf(report), figures: counts, charts: drawn, tables })
}

function jsonReport({ title, madeAt, range, trails, expected }: CheckedOptions, content: object): string {
  return `${asciiJson({ title, madeAt, range, trails, expected, ...content })}\n`
}

function headOf(report: CheckedOptions): readonly string[] {
  return [seen(report.title), ...aboutOf(report).map((pair) => pair.join(': '))]
}

/** What the report is about, so that a page that was sent on explains itself. */
function aboutOf({ trails, range, madeAt, expected }: CheckedOptions): (readonly [label: string, value: string])[] {
  const [only] = trails
  const folder = trails.length > 1 ? `${grouped(trails.length)}, see the table` : only?.folder && seen(only.folder)
  const { from, until } = range
  const asked =
    from === undefined && until === undefined ? 'all records' : `${edge(from, 'the first record')} to ${edge(until, 'the last record')}`
  return [
    ...(folder === undefined ? [] : [[trails.length > 1 ? 'Folders' : 'Folder', folder] as const]),
    ...(trails.length === 1 ? [['Checkpoints', checkpointsOf(only)] as const] : []),
    ['Range', asked],
    ...(expected.length === 0 ? [] : [['Expected', expected.map((name) => seen(name)).join(', ')] as const]),
    ['Time zone', 'UTC'],
    ['Made', `${minute(madeAt)} UTC`],
  ]
}

/** Of what was asked for: nothing can have been recorded later. */
function endOf({ range: { until = Infinity }, madeAt }: CheckedOptions): number {
  return Math.min(until, madeAt)
}

function edge(at: number | undefined, otherwise: string): string {
  return at === undefined ? otherwise : `${minute(at)} UTC`
}

function checkpointsOf(trail: ReportedTrail | undefined): string {
  const { count = 0, newest, areSigned } = trail?.verification?.checkpoints ?? {}
  if (count === 0 || newest === undefined) return 'none'
  const place = trail?.checkpoints === undefined ? '' : ` from ${seen(trail.checkpoints)}`
  return `${grouped(count)}${areSigned === true ? ' signed' : ''}${place}, the newest of ${minute(newest)} UTC`
}

interface CheckedOptions extends Reported {
  readonly format: ReportFormat
  readonly title: string
  readonly range: { readonly from?: number | undefined; readonly until?: number | undefined }
  readonly madeAt: number
}

function checked(options: ReportOptions, namesOfContent: readonly UnreadableName[]): CheckedOptions {
  const known = knownOptions(options, members, 'INVALID_ARGUMENT')
  const { format, title = 'Audit of secrets', range = {}, madeAt = Date.now() } = known
  if (!['text', 'json', 'html', 'csv'].includes(format)) throw invalidArgument('`format` is not known', 'use text, json, csv or html')
  const { from, until } = knownOptions(range, { from: 'number', until: 'number' }, 'INVALID_ARGUMENT')
  return { format, title, range: { from, until }, madeAt, ...subjectOf(known, namesOfContent) }
}

function subjectOf(
  { verification, trails, expected = [], names: given }: ReportSubject,
  namesOfContent: readonly UnreadableName[] = [],
): Reported {
  const names = given ?? namesOfContent
  if (!Array.isArray(names) || !names.every(isUnreadableName))
    throw invalidArgument('`names` is no list of names', 'pass `unreadable` of openAuditNames')
  if (!Array.isArray(expected) || !expected.every((name) => typeof name === 'string'))
    throw invalidArgument('`expected` is no list of names', "pass the names of hosts or services, such as ['web-1', 'web-2']")
  assertVerification(verification)
  if (trails === undefined) return { trails: [{ verification }], expected, names }
  if (verification !== undefined) throw invalidArgument('`verification` and `trails` are both given', 'leave out one of them')
  assertTrails(trails)
  return { trails, expected, names }
}

function isUnreadableName(name: UnreadableName | undefined): boolean {
  const { pseudonym, state = '', records, first, last } = name ?? {}
  const areNumbers = [records, first, last].every((number) => typeof number === 'number')
  return areNumbers && typeof pseudonym === 'string' && ['sealed', 'erased', 'lost'].includes(state)
}

function hostsOf(records: readonly AuditRecord[]): AuditSummary['hosts'] {
  const named = new Map(records.map((record) => [`${record.host} ${record.service}`, record]))
  return Array.from(named.values(), ({ host, service, time }) => ({ host, service, records: 1, first: time, last: time }))
}

function assertSummary(summary: AuditSummary | undefined): asserts summary is AuditSummary {
  if (isSummary(summary)) return
  throw invalidArgument('the value is not a summary', 'pass await summarize(records), or the `result` of verifiedTrail')
}

/** A verification also has a number of records. */
function isSummary(summary: AuditSummary | undefined): summary is AuditSummary {
  const { days, accesses, readers, writes, logins, denials, gaps, hosts } = summary ?? {}
  const { secrets, providers, failures, rotations, notRotated, unreadable } = summary ?? {}
  const lists = [
    unreadable,
    days,
    accesses,
    readers,
    writes,
    logins,
    denials,
    gaps,
    hosts,
    secrets,
    providers,
    failures,
    rotations,
    notRotated,
  ]
  return lists.every(Array.isArray)
}

function rangeOf({ from, to, records }: AuditSummary): string {
  if (from === undefined || to === undefined) return 'There are no records.'
  return `Records: ${grouped(records)}, from ${minute(from)} to ${minute(to)} UTC.`
}

function unlistedNote({ unlisted }: AuditSummary): string[] {
  return unlisted === 0 ? [] : [`Counted, but missing in a list, since there are too many different names: ${grouped(unlisted)} records.`]
}

function figures(summary: AuditSummary): (readonly [string, string])[] {
  const { reads, changes, failed, secrets, readers, denials, missed } = summary
  const denied = denials.reduce((sum, { count }) => sum + count, 0)
  const counts = { Reads: reads, Changes: changes, Failed: failed, Denied: denied, Secrets: secrets.length, Actors: readers.length }
  return Object.entries({ ...counts, 'Records missed': missed }).map(([label, count]) => [label, grouped(count)] as const)
}
