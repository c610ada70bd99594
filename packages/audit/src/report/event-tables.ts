import type { AuditSummary } from '../query/audit-summary.ts'
import { number, type ReportTable, text, time } from './tables.ts'

export function eventTables(summary: AuditSummary): readonly ReportTable[] {
  return [denials(summary), writes(summary), rotations(summary), logins(summary), gaps(summary), failures(summary), notRotated(summary)]
}

function denials(summary: AuditSummary): ReportTable {
  return {
    title: 'Denied',
    note: 'Who was refused, found a secret altered, or presented a token that did not match (NO_MATCH).',
    order: 'the latest',
    columns: [text('Actor'), text('Operation'), text('Secret'), text('Why'), number('Times'), time('First'), time('Last')],
    rows: summary.denials.map(({ actor, operation, name, code, count, first, last }) => [actor, operation, name, code, count, first, last]),
  }
}

function writes(summary: AuditSummary): ReportTable {
  return {
    title: 'Who changed, rotated and deleted what',
    order: 'the latest',
    columns: [time('Last'), text('Actor'), text('Operation'), text('Secret'), number('Times'), number('Failed'), time('First')],
    rows: summary.writes.map(({ actor, operation, name, count, failed, first, last }) => [
      last,
      actor,
      operation,
      name,
      count,
      failed,
      first,
    ]),
  }
}

function logins(summary: AuditSummary): ReportTable {
  return {
    title: 'Logins and leases',
    order: 'the latest',
    columns: [
      text('Operation'),
      text('Provider'),
      text('Method'),
      text('Lease'),
      number('Succeeded'),
      number('Failed'),
      text('Last failure'),
      time('Last'),
    ],
    rows: summary.logins.map(({ operation, provider, method, name, ok, failed, code, last }) => [
      operation,
      provider,
      method,
      name === '' ? undefined : name,
      ok,
      failed,
      code,
      last,
    ]),
  }
}

function gaps(summary: AuditSummary): ReportTable {
  return {
    title: 'Gaps',
    note: 'Records that the sink of this trail did not acknowledge, and that other sinks may have.',
    order: 'the earliest',
    columns: [
      time('Reported'),
      text('Host'),
      text('Service'),
      number('Process'),
      number('Records missed'),
      number('From no.'),
      number('To no.'),
    ],
    rows: summary.gaps.map(({ time: at, host, service, pid, missed, from, to }) => [at, host, service, pid, missed, from, to]),
  }
}

function failures(summary: AuditSummary): ReportTable {
  return {
    title: 'What failed',
    order: 'by times',
    columns: [text('Code'), text('Operation'), text('Secret'), number('Times'), time('Last')],
    rows: summary.failures.map(({ code, operation, name, count, last }) => [code, operation, name, count, last]),
  }
}

const outcomes = { rotated: 'rotated', rolledBack: 'rolled back', failed: 'failed', unfinished: 'unfinished' } as const

function rotations(summary: AuditSummary): ReportTable {
  return {
    title: 'Rotations',
    note: 'Unfinished: a new version is staged and waits. Due by: when the current version is as old as its policy allows.',
    order: 'overdue ones first',
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
    order: 'the oldest',
    columns: [text('Secret'), time('Last changed'), number('Days')],
    rows: summary.notRotated.map(({ name, lastChanged, days }) => [name, lastChanged, days]),
  }
}
