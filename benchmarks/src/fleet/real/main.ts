// `pnpm fleet:real`: runs a fleet of real processes, and compares its calls with the prediction.
import { parseArgs } from 'node:util'
import { markdownTable } from '../../harness/table.ts'
import { counted } from '../cells.ts'
import { predict } from './predict.ts'
import { runFleet } from './real-fleet.ts'
import { type ShortFleet, type ShortPhase, shortPhases, type ShortRun } from './short-timeline.ts'

const seeds = [1, 2, 3]

function callsIn({ calls }: ShortRun, { from, to }: ShortPhase): number {
  return calls.slice(from, to).reduce((sum, count) => sum + count, 0)
}

function peakIn({ calls }: ShortRun, { from, to }: ShortPhase): number {
  return Math.max(...calls.slice(from, to))
}

async function linesOf(fleet: ShortFleet): Promise<string[][]> {
  const predictions: ShortRun[] = []
  for (const seed of seeds) predictions.push(await predict(fleet, seed))
  const real = await runFleet(fleet)
  return shortPhases.map((phase) => {
    const predicted = predictions.reduce((sum, run) => sum + callsIn(run, phase), 0) / seeds.length
    const measured = callsIn(real, phase)
    const part = `${((measured / predicted - 1) * 100).toFixed(1)} %`
    return [
      `${phase.title}${fleet.hasSharedCache ? ', shared cache' : ''}`,
      counted(predicted),
      counted(measured),
      part,
      `${peakIn(real, phase)}`,
      `${real.failedReads}`,
      `${real.unavailable}`,
    ]
  })
}

async function main(): Promise<void> {
  Error.stackTraceLimit = 0
  const { values } = parseArgs({
    options: { processes: { type: 'string', default: '100' }, secrets: { type: 'string', default: '20' }, shared: { type: 'boolean' } },
  })
  const [processes, secrets] = [Number(values.processes), Number(values.secrets)]
  const lines: string[][] = []
  for (const hasSharedCache of values.shared ? [true] : [false, true])
    lines.push(...(await linesOf({ processes, secrets, hasSharedCache })))
  console.log(`${processes} processes, ${secrets} secrets each: calls to the store`)
  console.log(markdownTable(['', 'predicted', 'counted', 'difference', 'highest second', 'failed reads', 'cache not asked in time'], lines))
}

void main()
