// `pnpm fleet`: what a fleet asks of its store, by simulation; with --write into docs/fleet.md, its chart and its figures.
import { parseArgs } from 'node:util'
import { writeDocuments } from './documents.ts'
import { figuresOf, fleetSizes, type FleetReport } from './figures.ts'
import { reportText } from './report.ts'
import { simulateFleet, type FleetRun } from './simulate.ts'

interface Options {
  readonly sample: number
  readonly secrets: number
  readonly seed: number
  readonly write: boolean
}

function optionsIn(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      sample: { type: 'string', default: '200' },
      secrets: { type: 'string', default: '50' },
      seed: { type: 'string', default: '1' },
      write: { type: 'boolean', default: false },
    },
  })
  const [sample, secrets, seed] = [Number(values.sample), Number(values.secrets), Number(values.seed)]
  for (const number of [sample, secrets, seed]) if (!Number.isInteger(number) || number < 1) throw new Error('numbers are whole, 1 or more')
  return { sample, secrets, seed, write: values.write }
}

async function report({ sample, secrets, seed }: Options): Promise<FleetReport> {
  const runs: FleetRun[] = []
  for (const hasLevel of [false, true]) {
    for (const preloads of [false, true]) {
      console.error(`${sample} managers, ${hasLevel ? 'with the shared level' : 'each by itself'}${preloads ? ', by batches' : ''} …`)
      runs.push(await simulateFleet({ sample, secrets, seed, hasLevel, preloads }))
    }
  }
  const runOf = (hasLevel: boolean, preloads: boolean): FleetRun | undefined =>
    runs.find((run) => run.hasLevel === hasLevel && run.preloads === preloads)
  const fleets = fleetSizes.flatMap((processes) =>
    [false, true].flatMap((hasLevel) => {
      const [run, preload] = [runOf(hasLevel, false), runOf(hasLevel, true)]
      return run && preload ? [figuresOf(processes, run, preload)] : []
    }),
  )
  const total = (count: (run: FleetRun) => number): number => runs.reduce((sum, run) => sum + count(run), 0)
  const command = ['pnpm fleet', ...process.argv.slice(2)].join(' ')
  return { command, sample, secrets, seed, fleets, reads: total(({ reads }) => reads), failedReads: total((run) => run.failedReads) }
}

async function main(): Promise<void> {
  Error.stackTraceLimit = 0 // an outage makes millions of errors that nobody looks at
  const options = optionsIn(process.argv.slice(2))
  const result = await report(options)
  console.log(reportText(result))
  if (options.write) writeDocuments(result)
}

void main()
