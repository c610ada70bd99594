import type { AuditRecord } from '@finchat/secrets-core'
import type { AccessSummary, AuditSummary } from '../query/audit-summary.ts'
import { listed, number, type ReportTable, share, text, time } from './tables.ts'

/** Rows of a table in which the first ones matter. */
const mostOfView = 50

export function accessTables(summary: AuditSummary): readonly ReportTable[] {
  return [
    firstSeen(summary),
    rareReaders(summary),
    readers(summary),
    accesses(summary),
    secrets(summary),
    providers(summary),
    days(summary),
  ]
}

function firstSeen({ accesses: all }: AuditSummary): ReportTable {
  return {
    title: 'First seen',
    note: 'When an actor first read a secret, as far as this report goes back.',
    order: 'the latest',
    most: mostOfView,
    isView: true,
    columns: [time('First'), text('Actor'), text('Secret'), number('Reads'), number('Failed'), time('Last')],
    rows: all
      .toSorted((one, other) => other.first - one.first)
      .map(({ actor, name, reads, failed, first, last }) => [first, actor, name, reads, failed, last]),
  }
}

/** Among a thousand usual readers, a contractor shows by the small share of the reads. */
function rareReaders({ accesses: all, secrets: used }: AuditSummary): ReportTable {
  const readsOf = new Map(used.filter(({ actors }) => actors > 1).map(({ name, reads }) => [name, reads]))
  const shareOf = ({ name, reads }: AccessSummary): number => reads / (readsOf.get(name) ?? reads)
  return {
    title: 'Rare readers',
    note: 'Actors with the smallest share of the reads of a secret that others read too.',
    order: 'the smallest shares',
    most: mostOfView,
    isView: true,
    columns: [text('Actor'), text('Secret'), number('Reads'), share('Share'), time('First'), time('Last')],
    rows: all
      .filter(({ name }) => readsOf.has(name))
      .toSorted((one, other) => shareOf(one) - shareOf(other) || other.first - one.first)
      .map((access) => [access.actor, access.name, access.reads, shareOf(access), access.first, access.last]),
  }
}

function readers(summary: AuditSummary): ReportTable {
  return {
    title: 'Readers',
    order: 'by reads',
    columns: [text('Actor'), number('Reads'), number('Failed'), number('Secrets'), time('First'), time('Last')],
    rows: summary.readers.map(({ actor, reads, failed, secrets: count, first, last }) => [actor, reads, failed, count, first, last]),
  }
}

function accesses(summary: AuditSummary): ReportTable {
  return {
    title: 'Who read what',
    order: 'by reads',
    columns: [text('Actor'), text('Secret'), number('Reads'), number('Failed'), text('From'), time('First'), time('Last')],
    rows: summary.accesses.map(({ actor, name, reads, failed, providers: from, first, last }) => [
      actor,
      name,
      reads,
      failed,
      listed(from),
      first,
      last,
    ]),
  }
}

function secrets(summary: AuditSummary): ReportTable {
  return {
    title: 'Secrets',
    order: 'by reads',
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
    order: 'by answers',
    columns: [text('Provider'), number('Answered'), number('Failed'), number('From a cache'), number('Degraded'), number('Stale')],
    rows: summary.providers.map(({ provider, ok, failed, cached, degraded, stale }) => [provider, ok, failed, cached, degraded, stale]),
  }
}

function days(summary: AuditSummary): ReportTable {
  return {
    title: 'Days',
    note: 'Operations of each day in UTC. Days without any are left out.',
    order: 'the earliest',
    columns: [text('Day'), number('Succeeded'), number('Failed')],
    rows: summary.days.map(({ day, ok, failed }) => [day, ok, failed]),
  }
}

export function recordTable(records: readonly AuditRecord[]): ReportTable {
  return {
    title: 'Records',
    order: 'the earliest',
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
