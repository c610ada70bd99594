import { isJsonObject, SecretsError } from '@finchat/secrets-core/provider'
import type { AuditSummary, UnreadableName } from '../query/audit-summary.ts'
import type { TrailTwin } from '../query/verified-trails.ts'
import { duration, grouped, minute, seen } from './display-text.ts'
import { assertVerification, type ReportedVerification } from './reported-verification.ts'
import { number, type ReportTable, text, time } from './tables.ts'
import { sealedSentences, unexplainedOf, unexplainedSentences } from './unreadable-names.ts'
import { type Severity, sentencesOrNone, verificationSeverity } from './verification-summary.ts'

/** One folder of a report. */
export interface ReportedTrail {
  readonly folder?: string | undefined
  /** Where its checkpoints were read. */
  readonly checkpoints?: string | undefined
  /** Absent: it was not verified. */
  readonly verification?: ReportedVerification | undefined
  /** Why it could not be verified. */
  readonly failure?: string | undefined
  readonly twin?: TrailTwin | undefined
}

/** The trails of a report, and who should be in it. */
export interface Reported {
  readonly trails: readonly ReportedTrail[]
  /** Names of hosts or services; one that ends in `*` stands for all that begin so. */
  readonly expected: readonly string[]
  /** Names in its records that are shown as pseudonyms. */
  readonly names: readonly UnreadableName[]
}

/** The worst of the folders; a host that is missing, or a key of a name, leaves the report open. */
export function severityOf({ trails, expected, names }: Reported, hosts: AuditSummary['hosts']): Severity {
  const found = trails.map(trailSeverity)
  if (found.includes('bad')) return 'bad'
  const isLacking = missingOf(expected, hosts).length + unexplainedOf(names, trails).length > 0
  return isLacking || found.includes('open') ? 'open' : 'good'
}

function trailSeverity({ verification, failure, twin }: ReportedTrail): Severity {
  if (twin?.relation === 'forked') return 'bad'
  return failure === undefined ? verificationSeverity(verification) : 'open'
}

/** The verdict on all trails, then on each, then on names. */
export function sentencesOn(reported: Reported, hosts: AuditSummary['hosts']): readonly string[] {
  return [...sentencesOnTrails(reported, hosts), ...sealedSentences(reported.names)]
}

function sentencesOnTrails(reported: Reported, hosts: AuditSummary['hosts']): readonly string[] {
  const { trails, expected, names } = reported
  const [only] = trails
  const missing = missingOf(expected, hosts)
  const absent = [
    ...(missing.length === 0 ? [] : [`Missing: no record of ${missing.map((name) => seen(name)).join(', ')}, expected in this report.`]),
    ...unexplainedSentences(unexplainedOf(names, trails)),
  ]
  if (trails.length === 1 && only !== undefined) return withFirst(sentencesOnOne(only), absent, severityOf(reported, hosts))
  const each = worstFirst(trails).flatMap((trail) => sentencesOnOne(trail).map((sentence) => `${seen(trail.folder ?? '')}: ${sentence}`))
  return [...withFirst([ofAll(trails)], absent, severityOf(reported, hosts)), ...each]
}

/** In their order otherwise. */
function worstFirst(trails: readonly ReportedTrail[]): readonly ReportedTrail[] {
  const rank = (trail: ReportedTrail): number => ['bad', 'open', 'good'].indexOf(trailSeverity(trail))
  return trails.toSorted((one, other) => rank(one) - rank(other))
}

/** What is missing comes first, unless something is altered. */
function withFirst(sentences: readonly string[], absent: readonly string[], severity: Severity): readonly string[] {
  const [first = '', ...rest] = sentences
  return severity === 'bad' ? [first, ...absent, ...rest] : [...absent, first, ...rest]
}

function sentencesOnOne({ verification, failure, twin }: ReportedTrail): readonly string[] {
  const sentences =
    failure === undefined
      ? sentencesOrNone(verification)
      : [`It could not be verified, and none of its records may be here: ${seen(failure)}.`]
  return twin === undefined ? sentences : [...sentences, twinSentences[twin.relation](seen(twin.folder))]
}

const twinSentences: Readonly<Record<TrailTwin['relation'], (other: string) => string>> = {
  same: (other) => `It is the same folder as ${other}, so their records are counted twice.`,
  older: (other) => `It is an older copy of ${other}, so its records are counted twice.`,
  newer: (other) => `${other} is an older copy of it, whose records are counted twice.`,
  forked: (other) =>
    `It and ${other} are one folder with two histories. So two machines wrote as one (a copied machine, a snapshot or an image), or one of them was set back or forged.`,
}

function ofAll(trails: readonly ReportedTrail[]): string {
  const of = (severity: Severity): readonly ReportedTrail[] => trails.filter((trail) => trailSeverity(trail) === severity)
  const [bad, open, all] = [of('bad'), of('open'), grouped(trails.length)]
  if (trails.length === 0) return 'There is no trail.'
  if (bad.length > 0) return `Of ${all} folders, ${areOrIs(bad)} altered or incomplete: ${namesOf(bad)}.`
  if (open.length > 0)
    return `Of ${all} folders, none is known to be altered, and ${areOrIs(open)} not proved as a whole: ${namesOf(open)}.`
  const until = Math.min(...trails.map(({ verification }) => verification?.provenUntil ?? Infinity))
  const records = trails.reduce((sum, { verification }) => sum + (verification?.records ?? 0), 0)
  const complete = Number.isFinite(until) ? `, and complete until ${minute(until)} UTC at least` : ''
  return `Verified: every record in ${all} folders is as it was written (${grouped(records)})${complete}.`
}

function areOrIs({ length }: readonly ReportedTrail[]): string {
  return `${grouped(length)} ${length === 1 ? 'is' : 'are'}`
}

/** More are in the table. */
const mostNamed = 10

function namesOf(trails: readonly ReportedTrail[]): string {
  const more = trails.length > mostNamed ? ` and ${grouped(trails.length - mostNamed)} more` : ''
  return `${trails
    .slice(0, mostNamed)
    .map(({ folder = '–' }) => seen(folder))
    .join(', ')}${more}`
}

export function missingOf(expected: readonly string[], hosts: AuditSummary['hosts']): readonly string[] {
  const names = [...new Set(hosts.flatMap(({ host, service }) => [host, service]))]
  const isThere = (name: string): boolean =>
    name.endsWith('*') ? names.some((found) => found.startsWith(name.slice(0, -1))) : names.includes(name)
  return expected.filter((name) => !isThere(name))
}

const words: Readonly<Record<Severity, string>> = { good: 'proved', open: 'open', bad: 'altered or incomplete' }

export function trailTable(trails: readonly ReportedTrail[]): ReportTable {
  return {
    title: 'Folders',
    columns: [
      text('Folder'),
      text('Verdict'),
      number('Records'),
      time('Complete until'),
      number('Checkpoints'),
      text('Signed'),
      time('Newest checkpoint'),
      text('Checkpoints from'),
      text('Id'),
    ],
    rows: trails.map((trail) => {
      const { folder, verification: { records, provenUntil, checkpoints: compared, id } = {}, checkpoints } = trail
      const verdict = trail.failure === undefined ? words[trailSeverity(trail)] : 'could not be verified'
      return [
        folder,
        verdict,
        records,
        provenUntil,
        compared?.count,
        compared && (compared.areSigned ? 'verified' : 'not verified'),
        compared?.newest,
        checkpoints,
        id,
      ]
    }),
  }
}

/** Expected names without a record first, then those that have been silent longest, by `end`. */
export function hostTable({ hosts }: AuditSummary, expected: readonly string[], end: number): ReportTable {
  const rows = hosts.map(({ host, service, records, first, last }) => [
    host,
    service,
    records,
    first,
    last,
    end > last ? duration(end - last) : undefined,
  ])
  return {
    title: 'Hosts and services',
    note: `Silent: the time from the last record to ${minute(end)} UTC, the end of what was asked for.`,
    order: 'the longest silent',
    columns: [text('Host'), text('Service'), number('Records'), time('First'), time('Last'), text('Silent')],
    rows: [...missingOf(expected, hosts).map((name) => [name, 'expected, and missing', 0, undefined, undefined, undefined]), ...rows],
  }
}

/** Throws `INVALID_ARGUMENT` for anything else: the report would claim what was not verified. */
export function assertTrails(trails: unknown): asserts trails is readonly ReportedTrail[] {
  if (!Array.isArray(trails) || !trails.every(isTrail))
    throw new SecretsError('INVALID_ARGUMENT', '`trails` is no list of trails', { remedy: 'pass the `trails` of verifiedTrails' })
  for (const { verification } of trails) assertVerification(verification)
}

const relations: readonly unknown[] = Object.keys(twinSentences)

function isTrail(trail: unknown): trail is ReportedTrail {
  if (!isJsonObject(trail)) return false
  const { folder, checkpoints, failure, twin } = trail
  if (![folder, checkpoints, failure].every((member) => member === undefined || typeof member === 'string')) return false
  return twin === undefined || (isJsonObject(twin) && typeof twin['folder'] === 'string' && relations.includes(twin['relation']))
}
