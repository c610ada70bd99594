import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'

export const exampleFolder: string = fileURLToPath(new URL('../../../../examples/monitoring', import.meta.url))

export interface Rule {
  readonly alert: string
  readonly expr: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly summary: string; readonly runbook_url?: string }
}

interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: readonly { readonly refId: string; readonly expr: string }[]
}

const read = (path: string): string => readFileSync(join(exampleFolder, path), 'utf8')

/** The alert rules, in order. */
export function alertRules(): readonly Rule[] {
  const { groups }: { groups: readonly { rules: readonly Rule[] }[] } = parse(read('rules.yml')) // Prometheus's format, which promtool checks
  return groups.flatMap(({ rules }) => rules)
}

/** Whether each test of the rules expects its alert, by alert. */
export function expectations(): ReadonlyMap<string, readonly boolean[]> {
  const { tests }: { tests: readonly { alert_rule_test: readonly { alertname: string; exp_alerts: readonly unknown[] }[] }[] } = parse(
    read('rules.test.yml'),
  ) // promtool's format
  const all = tests.flatMap(({ alert_rule_test: each }) => each)
  return new Map(
    [...Map.groupBy(all, ({ alertname }) => alertname)].map(([alert, of]) => [
      alert,
      of.map(({ exp_alerts: expected }) => expected.length > 0),
    ]),
  )
}

/** The text of each section of docs/runbooks.md, by its anchor. */
export function runbookSections(): ReadonlyMap<string, string> {
  const [, ...sections] = read('../../docs/runbooks.md').split(/^## /m)
  return new Map(
    sections.map((section) => {
      const [heading = ''] = section.split('\n')
      return [
        heading
          .toLowerCase()
          .replaceAll(/[^\w -]/g, '')
          .replaceAll(' ', '-'),
        section,
      ]
    }),
  )
}

export function dashboardPanels(): readonly Panel[] {
  const { panels }: { panels: readonly Panel[] } = JSON.parse(read('dashboard.json')) // Grafana's format
  return panels
}

interface Metric {
  /** With underscores. */
  readonly name: string
  readonly unit: string
  readonly kind: string
}

/** Every metric, from the table of the package's README. */
function metrics(): readonly Metric[] {
  const rows = read('../../packages/otel/README.md').matchAll(/^\| `(finchat\.secrets\.[\w.]+)` +\| (\S+) +\| (\w+)/gm)
  return [...rows].map(([, name = '', unit = '', kind = '']) => ({ name: name.replaceAll('.', '_'), unit, kind }))
}

/** As the OpenTelemetry Collector, Alloy and Prometheus name it with `add_metric_suffixes`. */
export function suffixedName({ name, unit, kind }: Metric): string {
  if (kind === 'counter') return `${name}_total`
  if (unit === 's') return `${name}_seconds`
  return unit === '1' && kind === 'gauge' ? `${name}_ratio` : name
}

/** `rules.test.yml` with its series renamed. */
export function renamedRuleTests(rename: (metric: Metric) => string): string {
  const names = new Map(metrics().map((metric) => [metric.name, rename(metric)]))
  const renamed = (series: string): string => {
    const [, name = '', part = ''] = /^(\w+?)(?:_total)?((?:_bucket|_count|_sum)?)$/.exec(series) ?? []
    return names.get(series) ?? `${names.get(name)}${part}` // a name may end in `_count` by itself
  }
  return read('rules.test.yml').replaceAll(/(?<=series: ')\w+/g, renamed)
}
