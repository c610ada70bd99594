import { limits, type FleetFigures, type FleetReport } from './figures.ts'
import { phases } from './timeline.ts'

/** One panel for each size of fleet: calls per second over time, on a logarithmic scale. */
export function chart({ fleets, secrets }: FleetReport): string {
  const sizes = [...new Set(fleets.map(({ processes }) => processes))]
  const panels = sizes.map((size, index) =>
    panel(
      size,
      secrets,
      index,
      fleets.filter(({ processes }) => processes === size),
    ),
  )
  const height = sizes.length * panelHeight + 40
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="13" fill="#1f2328">`,
    `<title>Calls per second to the store</title>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    ...panels.flat(),
    ...legend(height - 18),
    '</svg>',
    '',
  ].join('\n')
}

const [width, panelHeight] = [960, 300]
const plot = { left: 80, right: width - 20, top: 44, bottom: panelHeight - 30 }
const [lowest, highest] = [-2, 6]
const end = Math.max(...phases.map(({ to }) => to))
const colours = { without: '#c2410c', with: '#0969da', limit: '#57606a' }

function panel(size: number, secrets: number, index: number, fleets: readonly FleetFigures[]): string[] {
  const powers = Array.from({ length: (highest - lowest) / 2 + 1 }, (_, n) => lowest + 2 * n)
  return [
    `<g transform="translate(0 ${index * panelHeight})">`,
    text(plot.left, 20, `${size.toLocaleString('en')} processes × ${secrets} secrets: calls per second to the store`, 'font-weight="600"'),
    ...phases.flatMap(phaseBand),
    ...powers.flatMap((power) => [
      line(plot.left, plot.right, y(10 ** power), '#d0d7de'),
      text(plot.left - 8, y(10 ** power) + 4, (10 ** power).toLocaleString('en'), 'text-anchor="end"'),
    ]),
    line(plot.left, plot.right, y(limits.getSecretValue), colours.limit, 'stroke-dasharray="6 4"'),
    ...fleets.map(course),
    text(plot.right, y(limits.getSecretValue) - 6, 'quota of GetSecretValue: 10,000 a second', halo),
    ...[0, 10, 20, 30, 40].map((minute) => text(x(minute * 60), plot.bottom + 18, `${minute} min`, 'text-anchor="middle"')),
    '</g>',
  ]
}

/** Text in front of the lines. */
const halo = `text-anchor="end" fill="${colours.limit}" stroke="#ffffff" stroke-width="4" paint-order="stroke"`

/** The deploy is too short for a title, and stands at the edge. */
function phaseBand({ title, from, to }: (typeof phases)[number], index: number): string[] {
  const band = `<rect x="${x(from)}" y="${plot.top}" width="${x(to) - x(from)}" height="${plot.bottom - plot.top}" fill="${index % 2 === 0 ? '#f6f8fa' : '#ffffff'}"/>`
  return [band, ...(from === 0 ? [] : [text(x(from) + 4, plot.top - 6, title, 'font-size="11" fill="#57606a"')])]
}

function course({ course: means, hasSharedCache }: FleetFigures): string {
  const points = means.flatMap((calls, n) => [`${x(10 * n)},${y(calls)}`, `${x(10 * n + 10)},${y(calls)}`])
  return `<polyline points="${points.join(' ')}" fill="none" stroke="${hasSharedCache ? colours.with : colours.without}" stroke-width="1.6"/>`
}

function legend(at: number): string[] {
  const entry = (left: number, colour: string, words: string): string[] => [
    `<rect x="${left}" y="${at - 9}" width="18" height="4" fill="${colour}"/>`,
    text(left + 26, at - 3, words),
  ]
  return [...entry(plot.left, colours.without, 'each process by itself'), ...entry(plot.left + 200, colours.with, 'with the shared cache')]
}

function x(second: number): number {
  return tenths(plot.left + (second / end) * (plot.right - plot.left))
}

/** Values below the scale, zero included, lie at its foot. */
function y(calls: number): number {
  const height = Math.min(Math.max(Math.log10(Math.max(calls, Number.MIN_VALUE)), lowest), highest)
  return tenths(plot.bottom - ((height - lowest) / (highest - lowest)) * (plot.bottom - plot.top))
}

function tenths(value: number): number {
  return Math.round(value * 10) / 10
}

function text(left: number, top: number, words: string, more = ''): string {
  return `<text x="${left}" y="${top}" ${more}>${words}</text>`
}

function line(from: number, to: number, at: number, colour: string, more = ''): string {
  return `<line x1="${from}" x2="${to}" y1="${at}" y2="${at}" stroke="${colour}" ${more}/>`
}
