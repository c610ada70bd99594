import type { DaySummary } from '../query/audit-summary.ts'
import { escaped, grouped, seen, shown } from './display-text.ts'

export interface Bar {
  readonly label: string
  readonly ok: number
  readonly failed: number
}

const chart = { width: 720, label: 200, value: 90, row: 26, thick: 14 }
const longestLabel = 26

/**
 * Bars in the given order, as SVG without script. The numbers stand beside them, so that colour
 * carries no meaning.
 */
export function barChart(title: string, bars: readonly Bar[]): string {
  const most = Math.max(1, ...bars.map(({ ok, failed }) => ok + failed))
  const rows = bars.map((bar, index) => barRow(bar, index * chart.row, most))
  return figure(title, chart.width, Math.max(1, bars.length) * chart.row, rows, bars)
}

function barRow({ label, ok, failed }: Bar, top: number, most: number): string {
  const room = chart.width - chart.label - chart.value
  const [okWidth, failedWidth] = [(ok / most) * room, (failed / most) * room].map((width) => Math.round(width * 10) / 10)
  const middle = top + chart.row / 2
  const y = middle - chart.thick / 2
  const total = failed === 0 ? grouped(ok) : `${grouped(ok + failed)} (${grouped(failed)})`
  return [
    `<text class="name" x="${chart.label - 8}" y="${middle}">${escaped(shortened(label))}</text>`,
    `<rect class="ok" x="${chart.label}" y="${y}" width="${okWidth}" height="${chart.thick}"/>`,
    `<rect class="failed" x="${chart.label + (okWidth ?? 0)}" y="${y}" width="${failedWidth}" height="${chart.thick}"/>`,
    `<text class="value" x="${chart.label + (okWidth ?? 0) + (failedWidth ?? 0) + 6}" y="${middle}">${total}</text>`,
  ].join('')
}

const columns = { width: 720, height: 160, base: 130, most: 60 }

/** A column for each day, or for several if there are more than sixty. */
export function dayChart(title: string, bars: readonly Bar[]): string {
  const most = Math.max(1, ...bars.map(({ ok, failed }) => ok + failed))
  const step = columns.width / Math.max(1, bars.length)
  const drawn = bars.map((bar, index) => dayColumn(bar, index * step, step, most))
  const [first, last] = [bars[0], bars.at(-1)]
  const axis = [
    `<line class="axis" x1="0" y1="${columns.base}" x2="${columns.width}" y2="${columns.base}"/>`,
    `<text class="first" x="0" y="${columns.height - 12}">${escaped(first?.label ?? '')}</text>`,
    bars.length > 1 ? `<text class="last" x="${columns.width}" y="${columns.height - 12}">${escaped(last?.label ?? '')}</text>` : '',
    `<text class="first" x="0" y="10">${grouped(most)}</text>`,
  ]
  return figure(title, columns.width, columns.height, [...drawn, ...axis], bars)
}

function dayColumn({ ok, failed }: Bar, left: number, step: number, most: number): string {
  const room = columns.base - 20
  const heights = [ok, failed].map((count) => Math.round((count / most) * room * 10) / 10)
  const [okHeight = 0, failedHeight = 0] = heights
  const [x, width] = [Math.round((left + Math.min(step * 0.1, 4)) * 10) / 10, Math.round(Math.min(step * 0.8, 40) * 10) / 10]
  return [
    `<rect class="ok" x="${x}" y="${columns.base - okHeight}" width="${width}" height="${okHeight}"/>`,
    `<rect class="failed" x="${x}" y="${columns.base - okHeight - failedHeight}" width="${width}" height="${failedHeight}"/>`,
  ].join('')
}

/** For screen readers: the chart's title, and its numbers as a sentence. */
function figure(title: string, width: number, height: number, shapes: readonly string[], bars: readonly Bar[]): string {
  const said = bars.slice(0, columns.most).map(({ label, ok, failed }) => `${seen(label)}: ${ok} ok, ${failed} failed`)
  const svg = `<svg role="img" viewBox="0 0 ${width} ${height}"><title>${escaped(title)}</title><desc>${escaped(said.join('; '))}</desc>`
  return `<figure><figcaption>${escaped(title)}</figcaption>${svg}${shapes.join('')}</svg></figure>`
}

function shortened(label: string): string {
  const visible = shown(label, 'text')
  return visible.length <= longestLabel ? visible : `${visible.slice(0, longestLabel - 1).toWellFormed()}…`
}

const dayMs = 86_400_000
const mostBars = 60

/** One bar a day, including empty days; several days a bar if there are more than sixty. */
export function dayBars(days: readonly DaySummary[]): { readonly bars: readonly Bar[]; readonly daysEach: number } {
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
