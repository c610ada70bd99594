import { markdownTable } from '../harness/table.ts'
import { counted } from './cells.ts'
import type { ColdStartRun } from './cold-start.ts'

/** What it costs that many processes want the same secrets at once, when none of them holds any: over several starts. */
export interface ColdStartFigures extends Pick<ColdStartRun, 'processes' | 'secrets' | 'byBatch'> {
  readonly starts: number
  /** Of the start in which the store was asked most often for a secret. */
  readonly asked: number
  /** Of the start that took the most calls. */
  readonly calls: number
  /** Milliseconds until a process had all of its secrets. */
  readonly median: number
  readonly worst: number
}

/** Of starts that differ in their seed alone. Throws where a process could not read its secrets. */
export function coldStartFiguresOf(runs: readonly [ColdStartRun, ...ColdStartRun[]]): ColdStartFigures {
  const { processes, secrets, byBatch } = runs[0]
  const times = runs.flatMap(({ readyAfterMs }) => readyAfterMs).toSorted((one, other) => one - other)
  if (times.length < runs.length * processes) throw new Error('a process could not read its secrets')
  const at = (part: number): number => Math.round(times[Math.ceil(part * times.length) - 1] ?? NaN)
  const most = (count: (run: ColdStartRun) => number): number => Math.max(...runs.map(count))
  return {
    processes,
    secrets,
    byBatch,
    starts: runs.length,
    asked: most(({ asked }) => asked),
    calls: most(({ calls }) => calls),
    median: at(0.5),
    worst: at(1),
  }
}

export function coldStartsText(figures: readonly ColdStartFigures[]): string {
  const [secrets] = new Set(figures.map((each) => each.secrets))
  const [starts] = new Set(figures.map((each) => each.starts))
  const lines = figures.map(({ processes, byBatch, asked, calls, median, worst }) => [
    `${counted(processes)} processes, ${byBatch ? 'by one `getSecrets`' : 'one by one'}`,
    ...[asked, calls].map(counted),
    ...[median, worst].map((ms) => `${counted(ms)} ms`),
  ])
  return [
    `Processes that start in one moment and share a cache which holds none of their ${secrets} secrets. A process reads them by one \`getSecrets\`, or each by a \`getSecret\`, all at once. ` +
      `The table shows the most requests for a secret and the most calls in ${starts} such starts. Times are until a process had all secrets.`,
    markdownTable(['', 'asked for a secret', 'calls', 'median', 'worst'], lines),
  ].join('\n\n')
}
