import type { Assignment } from './contender-process.ts'
import { runOnce, startContender, type ContenderProcess } from './contender.ts'
import type { Sample, Scenario, Stage } from './scenario.ts'

export interface RoundsOptions {
  readonly rounds: number
  readonly scale: number
  /** Called before each round, while no contender runs. */
  readonly between: () => void
}

/** Every sample of every entrant, in the order of the rounds. */
export type Samples = Readonly<Record<string, readonly Sample[]>>

/**
 * Runs a scenario: in each round every entrant has its turn, so that what disturbs the machine
 * disturbs them all.
 */
export async function runScenario(name: string, scenario: Scenario, options: RoundsOptions): Promise<Samples> {
  const stage = (await scenario.prepare?.(options.scale)) ?? { setting: {} }
  try {
    return await (scenario.processes === 'kept' ? keptRounds : freshRounds)(name, scenario, stage, options)
  } finally {
    await stage.end?.()
  }
}

async function keptRounds(name: string, scenario: Scenario, stage: Stage, options: RoundsOptions): Promise<Samples> {
  const running = new Map<string, ContenderProcess>()
  try {
    for (const entrant of Object.keys(scenario.entrants)) {
      running.set(entrant, await startContender(assignment(name, entrant, stage, options), scenario.nodeOptions ?? []))
    }
    for (const contender of running.values()) await contender.round() // warms up, and does not count
    return await interleaved(options, running)
  } finally {
    await Promise.all([...running.values()].map((contender) => contender.end()))
  }
}

function freshRounds(name: string, scenario: Scenario, stage: Stage, options: RoundsOptions): Promise<Samples> {
  const entrants = Object.keys(scenario.entrants).map((entrant) => {
    const round = (): Promise<Sample> => runOnce(assignment(name, entrant, stage, options), scenario.nodeOptions ?? [])
    return [entrant, { round }] as const
  })
  return interleaved(options, new Map(entrants))
}

async function interleaved(
  { rounds, between }: RoundsOptions,
  entrants: ReadonlyMap<string, Pick<ContenderProcess, 'round'>>,
): Promise<Samples> {
  const samples = new Map([...entrants.keys()].map((entrant) => [entrant, [] as Sample[]]))
  for (let round = 0; round < rounds; round += 1) {
    between()
    for (const [entrant, contender] of entrants) samples.get(entrant)?.push(await contender.round())
  }
  return Object.fromEntries(samples)
}

function assignment(scenario: string, entrant: string, { setting }: Stage, { scale }: RoundsOptions): Assignment {
  return { scenario, entrant, task: { scale, setting, spawnedAt: 0 } }
}
