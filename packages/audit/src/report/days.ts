import type { Bar } from './charts.ts'
import type { DaySummary } from './audit-summary.ts'

const dayMs = 86_400_000
const mostColumns = 60

/** A bar for every day from the first to the last, the empty ones too; for several days each where there are more than sixty. */
export function dayBars(days: readonly DaySummary[]): { readonly bars: readonly Bar[]; readonly daysEach: number } {
  const dated = days
    .map((day) => ({ ...day, number: Math.floor(Date.parse(day.day) / dayMs) }))
    .filter(({ number }) => Number.isFinite(number))
  const [first, last] = [dated[0], dated.at(-1)]
  if (first === undefined || last === undefined) return { bars: [], daysEach: 1 }
  const width = Math.ceil((last.number - first.number + 1) / mostColumns)
  const count = Math.floor((last.number - first.number) / width) + 1
  const bars = Array.from({ length: count }, (_, index) => ({ label: dayLabel(first.number + index * width), ok: 0, failed: 0 }))
  for (const { number, ok, failed } of dated) {
    const bar = bars[Math.floor((number - first.number) / width)]
    if (bar === undefined) continue
    bar.ok += ok
    bar.failed += failed
  }
  return { bars, daysEach: width }
}

function dayLabel(number: number): string {
  return new Date(number * dayMs).toISOString().slice(0, -14)
}
