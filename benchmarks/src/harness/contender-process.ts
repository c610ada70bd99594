// The process of one contender. Its argument names it; a message starts each round.
import { scenarioOf } from '../scenarios.ts'
import type { Running, Sample, Task } from './scenario.ts'

/** What the process is started with, as JSON. */
export interface Assignment {
  readonly scenario: string
  readonly entrant: string
  readonly task: Task
}

export type Report = { readonly sample: Sample } | { readonly failure: string } | 'ready'

async function start({ scenario: name, entrant, task }: Assignment): Promise<Running> {
  const scenario = await scenarioOf(name)
  const contender = await scenario.entrants[entrant]?.load()
  if (contender === undefined) throw new Error(`${name} has no entrant '${entrant}'`)
  const running = await contender(task)
  // A process for one round runs it at once: its start is what is measured.
  if (scenario.processes === 'fresh') await report(running)
  else process.on('message', (message) => void (message === 'round' ? report(running) : end(running)))
  return running
}

async function report(running: Running): Promise<void> {
  try {
    send({ sample: await running.round() })
  } catch (error) {
    send({ failure: textOf(error) })
  }
}

async function end({ close }: Running): Promise<void> {
  await close?.()
  process.disconnect()
}

function send(message: Report): void {
  process.send?.(message)
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

start(JSON.parse(process.argv[2] ?? '{}') as Assignment) // written by contender.ts
  .then(
    () => send('ready'),
    (error: unknown) => send({ failure: textOf(error) }),
  )
  .catch(() => process.exit(1))
