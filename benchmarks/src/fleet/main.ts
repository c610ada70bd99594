// `pnpm fleet`: simulates the calls of a fleet to its store. `--write` puts them into
// docs/fleet.md, its chart and its figures.
import { parseArgs } from 'node:util'
import { type ColdStartRun, simulateColdStart } from './cold-start.ts'
import { type ColdStartFigures, coldStartFiguresOf } from './cold-start-report.ts'
import { writeDocuments } from './documents.ts'
import { figuresOf, fleetSizes, type FleetFigures, type FleetReport } from './figures.ts'
import { reportText } from './report.ts'
import { returnsReport, type ReturnsReport } from './return-figures.ts'
import { type ReturnOptions, type ReturnRun, simulateReturn } from './returns.ts'
import { simulateFleet, type FleetRun } from './simulate.ts'

interface Options {
  readonly sample: number
  readonly returning: number
  readonly secrets: number
  readonly seed: number
  readonly write: boolean
}

function optionsIn(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      sample: { type: 'string', default: '200' },
      returning: { type: 'string', default: '200' },
      secrets: { type: 'string', default: '50' },
      seed: { type: 'string', default: '1' },
      write: { type: 'boolean', default: false },
    },
  })
  const numbers = {
    sample: Number(values.sample),
    returning: Number(values.returning),
    secrets: Number(values.secrets),
    seed: Number(values.seed),
  }
  for (const number of Object.values(numbers)) if (!Number.isInteger(number) || number < 1) throw new Error('numbers are whole, 1 or more')
  return { ...numbers, write: values.write }
}

async function report(options: Options): Promise<FleetReport> {
  const { sample, secrets, seed } = options
  const runs = await fleetRuns(options)
  const total = (count: (run: FleetRun) => number): number => runs.reduce((sum, run) => sum + count(run), 0)
  return {
    command: ['pnpm fleet', ...process.argv.slice(2)].join(' '),
    sample,
    secrets,
    seed,
    fleets: fleetFigures(runs),
    coldStarts: await coldStarts(options),
    returns: await returns(options),
    reads: total(({ reads }) => reads),
    failedReads: total(({ failedReads }) => failedReads),
  }
}

async function fleetRuns({ sample, secrets, seed }: Options): Promise<readonly FleetRun[]> {
  const runs: FleetRun[] = []
  for (const hasSharedCache of [false, true]) {
    for (const preloads of [false, true]) {
      console.error(`${sample} managers, ${sharingText(hasSharedCache)}${preloads ? ', by batches' : ''} …`)
      runs.push(await simulateFleet({ sample, secrets, seed, hasSharedCache, preloads }))
    }
  }
  return runs
}

function fleetFigures(runs: readonly FleetRun[]): readonly FleetFigures[] {
  const runOf = (hasSharedCache: boolean, preloads: boolean): FleetRun | undefined =>
    runs.find((run) => run.hasSharedCache === hasSharedCache && run.preloads === preloads)
  return fleetSizes.flatMap((processes) =>
    [false, true].flatMap((hasSharedCache) => {
      const [run, preload] = [runOf(hasSharedCache, false), runOf(hasSharedCache, true)]
      return run && preload ? [figuresOf(processes, run, preload)] : []
    }),
  )
}

const coldSizes = [10, 40, 200]
const coldSecrets = 20
const coldStartsOfEach = 20

async function coldStarts({ seed }: Options): Promise<readonly ColdStartFigures[]> {
  const figures: ColdStartFigures[] = []
  for (const processes of coldSizes) {
    for (const byBatch of [true, false]) {
      console.error(`${processes} processes that start in one moment, ${byBatch ? 'by batches' : 'one by one'} …`)
      const start = (nth: number): Promise<ColdStartRun> =>
        simulateColdStart({ processes, secrets: coldSecrets, byBatch, seed: seed + nth })
      const runs: [ColdStartRun, ...ColdStartRun[]] = [await start(0)]
      while (runs.length < coldStartsOfEach) runs.push(await start(runs.length))
      figures.push(coldStartFiguresOf(runs))
    }
  }
  return figures
}

async function returns({ returning, secrets, seed }: Options): Promise<ReturnsReport> {
  const runs: ReturnRun[] = []
  for (const setting of returnSettings(secrets)) {
    const { held, fault, hasSharedCache } = setting
    console.error(
      `${returning} managers that hold ${held === 'stale' ? 'stale values' : held}, ${sharingText(hasSharedCache)}, of ${setting.secrets}; the store ${fault} …`,
    )
    runs.push(await simulateReturn({ ...setting, sample: returning, seed }))
  }
  return returnsReport(returning, runs)
}

type ReturnSetting = Omit<ReturnOptions, 'sample' | 'seed'>

function returnSettings(secrets: number): readonly ReturnSetting[] {
  const settings: ReturnSetting[] = []
  for (const held of ['nothing', 'stale'] as const)
    for (const fault of ['refuses', 'hangs'] as const)
      for (const count of new Set([1, secrets]))
        for (const hasSharedCache of [false, true]) settings.push({ held, fault, secrets: count, hasSharedCache })
  return settings
}

function sharingText(hasSharedCache: boolean): string {
  return hasSharedCache ? 'with the shared cache' : 'each by itself'
}

async function main(): Promise<void> {
  Error.stackTraceLimit = 0 // an outage makes millions of errors, whose stacks are not used
  const options = optionsIn(process.argv.slice(2))
  const result = await report(options)
  console.log(reportText(result))
  if (options.write) writeDocuments(result)
}

void main()
