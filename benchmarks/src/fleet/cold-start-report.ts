import { markdownTable, paragraph } from '../harness/table.ts'
import { counted } from './cells.ts'
import type { ColdStartRun } from './cold-start.ts'

/** Calls and times over several starts in which processes read the same secrets at once. */
export interface ColdStartFigures extends Pick<ColdStartRun, 'processes' | 'secrets' | 'byBatch'> {
  readonly starts: number
  /** Most requests for secrets in one start. */
  readonly asked: number
  /** Most calls in one start. */
  readonly calls: number
  /** Milliseconds until a process had all of its secrets. */
  readonly median: number
  readonly worst: number
}

/** The runs differ only in their seed. Throws if a process could not read its secrets. */
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
    paragraph(
      `Processes that start in one moment and share a cache without their ${secrets} secrets. A process reads them by one \`getSecrets\`, or each by a \`getSecret\`, all at once. ` +
        `The table shows the most requests for secrets and the most calls in ${starts} such starts. Times are until a process had all secrets.`,
    ),
    markdownTable(['', 'requests for secrets', 'calls', 'median', 'worst'], lines),
  ].join('\n\n')
}
