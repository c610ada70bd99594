// Bar charts of benchmarks/results.json, as SVG. They take the colours of the site's theme, and have
// their own where there is none, as on GitHub.

interface Bar {
  readonly label: string
  readonly value: number
  readonly role: string
}

export interface Chart {
  readonly title: string
  readonly unit: string
  readonly bars: readonly Bar[]
}

/** The parts of results.json that are drawn. */
export interface Results {
  readonly date: string
  readonly results: readonly Result[]
}

interface Result {
  readonly name: string
  readonly metrics: Readonly<Record<string, string>>
  readonly roles: Readonly<Record<string, string>>
  readonly samples: Readonly<Record<string, readonly Readonly<Record<string, number>>[]>>
}

interface Drawn {
  readonly scenario: string
  readonly metric: string
  readonly title: string
  /** So much slower that they would leave the other bars no length; the page names them. */
  readonly without?: readonly string[]
}

/** The pictures of docs/performance.md, by their names. */
const drawn: Readonly<Record<string, Drawn>> = {
  'cached-read': {
    scenario: 'core-cached',
    metric: 'cpu',
    title: 'A cached read, processor time',
    without: ['keyv', 'cacheable'],
  },
  import: { scenario: 'import-time', metric: 'time', title: 'Import of a package, in a new process' },
  'aws-start': { scenario: 'aws-start', metric: 'time', title: 'From the start of a process to its first AWS secret' },
  'aws-preload': { scenario: 'aws-preload', metric: 'time', title: '100 secrets preloaded from AWS, 20 ms a call' },
  'vault-start': { scenario: 'vault-start', metric: 'time', title: 'From the start of a process to its first Vault secret' },
  'vault-read': { scenario: 'vault-read-tls', metric: 'cpu', title: 'A read from OpenBao over TLS, 64 at a time, processor time' },
  'local-put': { scenario: 'local-put', metric: 'time', title: 'A durable write to the local store' },
  'audit-write': { scenario: 'audit-write', metric: 'time', title: 'A record written to an audit file' },
}

/** The chart of each name in `drawn`. A scenario or metric that results.json lacks is an error. */
export function chartsOf({ results }: Results): Map<string, Chart> {
  return new Map(Object.entries(drawn).map(([name, each]) => [name, chartOf(results, each)]))
}

function chartOf(results: readonly Result[], { scenario, metric, title, without = [] }: Drawn): Chart {
  const result = results.find(({ name }) => name === scenario)
  const unit = result?.metrics[metric]
  if (!result || unit === undefined) throw new TypeError(`benchmarks/results.json has no ${metric} of ${scenario}`)
  const shown = Object.entries(result.samples).filter(([label]) => !without.includes(label))
  const bars = shown.map(([label, samples]) => ({
    label,
    value: median(samples.map((sample) => sample[metric] ?? 0)),
    role: result.roles[label] ?? 'peer',
  }))
  return { title, unit, bars: bars.toSorted((one, other) => one.value - other.value) }
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[values.length >> 1] ?? 0
}

const [width, rowHeight, top] = [400, 34, 30]
const widest = width - 76
const colours: Readonly<Record<string, string>> = {
  ours: 'var(--vp-c-brand-1, #0b5c4a)',
  peer: 'var(--chart-peer, #8a6d1d)',
  limit: 'var(--chart-limit, #8c959f)',
}
const text = 'var(--vp-c-text-1, #1f2328)'

/** The picture, whose text a screen reader reads. */
export function chartSvg({ title, unit, bars }: Chart): string {
  const most = Math.max(...bars.map(({ value }) => value))
  const height = top + bars.length * rowHeight
  const rows = bars.flatMap((bar, index) => rowOf(bar, top + index * rowHeight, (widest * bar.value) / most, unit))
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 ${width} ${height}" role="img" font-family="system-ui, sans-serif" font-size="13">`,
    `<title>${escape(`${title}: ${bars.map((bar) => `${bar.label} ${figure(bar.value)} ${unit}`).join(', ')}`)}</title>`,
    `<rect width="${width}" height="${height}" style="fill: var(--vp-c-bg, #ffffff)"/>`,
    `<text x="0" y="14" font-weight="600" style="fill: ${text}">${escape(title)}</text>`,
    ...rows,
    '</svg>',
    '',
  ].join('\n')
}

function rowOf({ label, value, role }: Bar, y: number, length: number, unit: string): string[] {
  const shown = Math.max(length, 1).toFixed(1)
  const weight = role === 'ours' ? ' font-weight="600"' : ''
  return [
    `<text x="0" y="${y + 11}"${weight} style="fill: ${text}">${escape(role === 'peer' ? label : `${label} (${role})`)}</text>`,
    `<rect x="0" y="${y + 16}" width="${shown}" height="10" rx="2" style="fill: ${colours[role] ?? colours['peer']}"/>`,
    `<text x="${(length + 6).toFixed(1)}" y="${y + 25}" style="fill: ${text}">${figure(value)} ${unit}</text>`,
  ]
}

/** Three digits, as the tables have. */
function figure(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3)))
}

function escape(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
