import type { AccessSummary, AuditSummary } from '../query/audit-summary.ts'
import { type Bar, barChart, dayBars, dayChart } from './charts.ts'

/** The figures of a page. */
export function charts({ days, accesses, readers, providers }: AuditSummary): string[] {
  if (days.length === 0) return []
  const { bars, daysEach } = dayBars(days)
  return [
    dayChart(daysEach === 1 ? 'Operations a day' : `Operations, ${daysEach} days a column`, bars),
    barChart('Secrets that are read most', readsBySecret(accesses)),
    barChart(
      'Who reads most',
      readers.map(({ actor = '(unknown)', reads, failed }) => ({ label: actor, ok: reads - failed, failed })),
    ),
    barChart(
      'Providers',
      providers.map(({ provider, ok, failed }) => ({ label: provider, ok, failed })),
    ),
  ]
}

function readsBySecret(accesses: readonly AccessSummary[]): readonly Bar[] {
  const bars = Array.from(
    Map.groupBy(accesses, ({ name }) => name),
    ([label, rows]) => {
      const failed = rows.reduce((sum, row) => sum + row.failed, 0)
      return { label, ok: rows.reduce((sum, row) => sum + row.reads, 0) - failed, failed }
    },
  )
  return bars.toSorted((a, b) => b.ok + b.failed - a.ok - a.failed)
}
