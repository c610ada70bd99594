import type { AuditRecord } from '@finchat/secrets-core'
import type { AuditSummary } from '../query/audit-summary.ts'

/** Text, a number, or a time in epoch milliseconds. */
export interface ReportColumn {
  readonly title: string
  readonly kind: 'text' | 'number' | 'time'
}

/** A table for every format. An `undefined` cell is unknown. */
export interface ReportTable {
  readonly title: string
  /** How to read it. */
  readonly note?: string
  readonly columns: readonly ReportColumn[]
  readonly rows: readonly (readonly (string | number | undefined)[])[]
}

const text = (title: string): ReportColumn => ({ title, kind: 'text' })
const number = (title: string): ReportColumn => ({ title, kind: 'number' })
const time = (title: string): ReportColumn => ({ title, kind: 'time' })

export function summaryTables(summary: AuditSummary): readonly ReportTable[] {
  return [accesses(summary), secrets(summary), providers(summary), failures(summary), rotations(summary), notRotated(summary)]
}

function accesses(summary: AuditSummary): ReportTable {
  return {
    title: 'Who read what',
    columns: [text('Actor'), text('Secret'), number('Reads'), number('Failed'), text('From'), time('Last')],
    rows: summary.accesses.map(({ actor, name, reads, failed, providers: from, last }) => [actor, name, reads, failed, listed(from), last]),
  }
}

function secrets(summary: AuditSummary): ReportTable {
  return {
    title: 'Secrets',
    columns: [text('Secret'), number('Reads'), number('Failed'), number('Actors'), time('Last read'), time('Last changed')],
    rows: summary.secrets.map(({ name, reads, failed, actors, lastRead, lastChanged }) => [
      name,
      reads,
      failed,
      actors,
      lastRead,
      lastChanged,
    ]),
  }
}

function providers(summary: AuditSummary): ReportTable {
  return {
    title: 'Providers',
    note: 'Degraded: another provider should have answered. Stale: the store no longer confirmed the answer.',
    columns: [text('Provider'), number('Answered'), number('Failed'), number('From a cache'), number('Degraded'), number('Stale')],
    rows: summary.providers.map(({ provider, ok, failed, cached, degraded, stale }) => [provider, ok, failed, cached, degraded, stale]),
  }
}

function failures(summary: AuditSummary): ReportTable {
  return {
    title: 'What failed',
    columns: [text('Code'), text('Operation'), text('Secret'), number('Times'), time('Last')],
    rows: summary.failures.map(({ code, operation, name, count, last }) => [code, operation, name, count, last]),
  }
}

const outcomes = { rotated: 'rotated', rolledBack: 'rolled back', failed: 'failed', unfinished: 'unfinished' } as const

function rotations(summary: AuditSummary): ReportTable {
  return {
    title: 'Rotations',
    note: 'Unfinished: a new version is staged and waits. Due by: when the current version is as old as its policy allows.',
    columns: [
      text('Secret'),
      number('Rotations'),
      text('The last one'),
      time('At'),
      text('By'),
      time('Retired'),
      time('Last changed'),
      number('Days'),
      time('Due by'),
      text('Overdue'),
    ],
    rows: summary.rotations.map(({ name, rotations: count, outcome, code, by, last, lastRetired, lastChanged, days, dueBy, isOverdue }) => [
      name,
      count,
      outcome && [outcomes[outcome], code].join(' ').trim(),
      last,
      by,
      lastRetired,
      lastChanged,
      days,
      dueBy,
      isOverdue === undefined ? undefined : isOverdue ? 'overdue' : 'no',
    ]),
  }
}

function notRotated(summary: AuditSummary): ReportTable {
  return {
    title: `Not rotated for ${summary.notRotatedForDays} days`,
    note: 'As far as this trail goes back. A rotation elsewhere shows when a higher version number is first read.',
    columns: [text('Secret'), time('Last changed'), number('Days')],
    rows: summary.notRotated.map(({ name, lastChanged, days }) => [name, lastChanged, days]),
  }
}

export function recordTable(records: readonly AuditRecord[]): ReportTable {
  return {
    title: 'Records',
    columns: [
      time('Time'),
      text('Actor'),
      text('Operation'),
      text('Secret'),
      text('Provider'),
      text('Outcome'),
      text('Host'),
      number('No.'),
    ],
    rows: records.map((record) => {
      const { time: at, actor, operation, name, provider, phase, outcome, code, host, seq } = record
      return [at, actor, operation, name, provider, code ?? (phase === 'intent' ? phase : outcome), host, seq]
    }),
  }
}

function listed(texts: readonly string[]): string | undefined {
  return texts.length === 0 ? undefined : texts.join(', ')
}
