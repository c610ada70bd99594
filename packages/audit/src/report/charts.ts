import type { AccessSummary, AuditSummary, DaySummary } from '../query/audit-summary.ts'
import { escaped, grouped, isolated, leftOutNote, seen, unopened } from './display-text.ts'

interface Bar {
  readonly label: string
  readonly ok: number
  readonly failed: number
}

/** More rows would hide the first ones. */
const mostRows = 10

/**
 * Bars in the given order. Labels and numbers are text, which wraps on a narrow page, so that no name
 * is cut and colour carries no meaning.
 */
function barChart(title: string, bars: readonly Bar[]): string {
  const drawn = bars.slice(0, mostRows)
  const most = Math.max(1, ...drawn.map(({ ok, failed }) => ok + failed))
  const [note] = leftOutNote(drawn.length, bars.length, 'the highest')
  const caption = note === undefined ? escaped(title) : `${escaped(title)}. ${escaped(note)}`
  return `<figure><figcaption>${caption}</figcaption><ul class="bars">${drawn.map((bar) => barRow(bar, most)).join('')}</ul></figure>`
}

function barRow({ label, ok, failed }: Bar, most: number): string {
  const [okWidth, failedWidth] = [percent(ok / most), percent(failed / most)]
  const total = failed === 0 ? grouped(ok) : `${grouped(ok + failed)} (${grouped(failed)} failed)`
  const bar = [
    `<svg class="bar" aria-hidden="true"><rect class="ok" width="${okWidth}%" height="100%"/>`,
    `<rect class="failed" x="${okWidth}%" width="${failedWidth}%" height="100%"/></svg>`,
  ]
  return `<li><span class="name">${isolated(label === '' ? '(empty)' : label)}</span>${bar.join('')}<span class="value">${total}</span></li>`
}

function percent(share: number): number {
  return Math.round(share * 1_000) / 10
}

const columns = { width: 720, height: 120, most: 60 }

/** A column for each day, or for several if there are more than sixty. */
function dayChart(title: string, bars: readonly Bar[]): string {
  const most = Math.max(1, ...bars.map(({ ok, failed }) => ok + failed))
  const step = columns.width / Math.max(1, bars.length)
  const drawn = bars.map((bar, index) => dayColumn(bar, index * step, step, most))
  const said = bars.slice(0, columns.most).map(({ label, ok, failed }) => `${seen(unopened(label))}: ${ok} ok, ${failed} failed`)
  const svg = [
    `<svg class="days" role="img" viewBox="0 0 ${columns.width} ${columns.height}" preserveAspectRatio="none">`,
    `<title>${escaped(title)}</title><desc>${escaped(said.join('; '))}</desc>${drawn.join('')}`,
    `<line class="axis" x1="0" y1="${columns.height}" x2="${columns.width}" y2="${columns.height}"/></svg>`,
  ]
  const ends = [bars[0], ...(bars.length > 1 ? [bars.at(-1)] : [])].map((bar) => `<span>${escaped(bar?.label ?? '')}</span>`)
  const caption = `${escaped(title)}. The highest column: ${grouped(most)}`
  return `<figure><figcaption>${caption}</figcaption>${svg.join('')}<div class="ends">${ends.join('')}</div></figure>`
}

function dayColumn({ ok, failed }: Bar, left: number, step: number, most: number): string {
  const heights = [ok, failed].map((count) => Math.round((count / most) * columns.height * 10) / 10)
  const [okHeight = 0, failedHeight = 0] = heights
  const [x, width] = [Math.round((left + Math.min(step * 0.1, 4)) * 10) / 10, Math.round(Math.min(step * 0.8, 40) * 10) / 10]
  return [
    `<rect class="ok" x="${x}" y="${columns.height - okHeight}" width="${width}" height="${okHeight}"/>`,
    `<rect class="failed" x="${x}" y="${columns.height - okHeight - failedHeight}" width="${width}" height="${failedHeight}"/>`,
  ].join('')
}

const dayMs = 86_400_000
const mostBars = 60

/** One bar a day, including empty days; several days a bar if there are more than sixty. */
function dayBars(days: readonly DaySummary[]): { readonly bars: readonly Bar[]; readonly daysEach: number } {
  const dated = days
    .map((day) => ({ ...day, number: Math.floor(Date.parse(day.day) / dayMs) }))
    .filter(({ number }) => Number.isFinite(number))
  const [first, last] = [dated[0], dated.at(-1)]
  if (first === undefined || last === undefined) return { bars: [], daysEach: 1 }
  const width = Math.ceil((last.number - first.number + 1) / mostBars)
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
