import { spawnSync } from 'node:child_process'
import { requireServer } from './find-server.ts'

/** One line of what Prometheus scrapes. */
export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

const line = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/
const label = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"(,|$)/y

/** The samples of a text in Prometheus's exposition format. Throws for a line that has another form. */
export function samplesIn(text: string): readonly Sample[] {
  const lines = text.split('\n').filter((each) => each !== '' && !each.startsWith('#'))
  return lines.map((each) => {
    const [, name = '', labels = '', value = ''] = line.exec(each) ?? []
    if (name === '') throw new Error(`no sample: ${each}`)
    return { name, labels: labelsIn(labels), value: numberOf(value) }
  })
}

function labelsIn(text: string): Sample['labels'] {
  const found: Record<string, string> = {}
  label.lastIndex = 0
  while (label.lastIndex < text.length) {
    const [, name = '', value = ''] = label.exec(text) ?? []
    if (name === '') throw new Error(`no labels: ${text}`)
    found[name] = value.replaceAll(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped))
  }
  return found
}

function numberOf(text: string): number {
  const infinities: Readonly<Record<string, number>> = { '+Inf': Infinity, '-Inf': -Infinity }
  const value = infinities[text] ?? Number(text)
  if (Number.isNaN(value) && text !== 'NaN') throw new Error(`no number: ${text}`)
  return value
}

/**
 * The sum of the series of a metric of `finchat.secrets`, of those with these labels; undefined if
 * there is none. Name and labels are given without the prefix `finchat_secrets_`.
 */
export function sumOf(samples: readonly Sample[], name: string, labels: Sample['labels'] = {}): number | undefined {
  const isMeant = ({ labels: has }: Sample): boolean =>
    Object.entries(labels).every(([each, value]) => (has[each] ?? has[`${prefix}${each}`]) === value)
  const found = samples.filter((sample) => sample.name === `${prefix}${name}` && isMeant(sample))
  return found.length === 0 ? undefined : found.reduce((sum, { value }) => sum + value, 0)
}

const prefix = 'finchat_secrets_'

/** Runs `promtool`, which checks rules and tests them. Returns its status and all that it printed. */
export function promtool(...args: readonly string[]): { readonly status: number | null; readonly output: string } {
  const { status, stdout, stderr } = spawnSync(requireServer('promtool'), args, { encoding: 'utf8' })
  return { status, output: stdout + stderr }
}
