import { writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { ended, start } from '../harness/child.ts'
import { type FaultInjection, type Scale, Tally } from '../harness/fault-injection.ts'
import { inMemory } from '../harness/scratch.ts'
import type { Damage, Findings } from './damage.ts'
import { type Answers, answersOf } from './questions.ts'
import { bytesOf, makeSmallStore } from './small-store.ts'

/** Every how many-th bit and length is tried, from another start each time. */
const steps: Readonly<Record<Scale, { readonly bits: number; readonly lengths: number }>> = {
  short: { bits: 1009, lengths: 397 },
  long: { bits: 1, lengths: 1 },
}
const lanes = availableParallelism()
/** Small pages have less unused room, whose bits all read alike; rows go over several of them. */
const pageBytes = 512

export const bitFlips: FaultInjection = {
  name: 'every bit and every length',
  promise: 'of a store with its log: the right value or an error that says so, never another value',
  run: (scale) => inMemory((folder) => run(folder, scale)),
}

async function run(folder: string, scale: Scale): Promise<Tally> {
  const tally = new Tally()
  for (const damage of await damages(folder, scale)) {
    const shares = Array.from({ length: lanes }, (_, lane) => ({
      ...damage,
      from: damage.from + lane * damage.step,
      step: damage.step * lanes,
    }))
    for (const findings of await Promise.all(shares.map((share, lane) => inflict(join(folder, `${lane}`), share)))) {
      tally.count(`${damage.kind} of the ${damage.target}`, findings.tried)
      tally.count('noticed', findings.noticed)
      for (const fault of findings.faults) tally.fault(`${damage.kind} of the ${damage.target}: ${fault}`)
    }
  }
  return tally
}

/** A store that is closed, with all in its file, and one whose last changes are in its log. */
async function damages(folder: string, scale: Scale): Promise<Omit<Damage, 'path'>[]> {
  const path = join(folder, 'small.db')
  const states: Answers[] = []
  let [open, logged] = [bytesOf(path), 0]
  await makeSmallStore(
    path,
    async (count) => {
      states.push(await copied(join(folder, 'copy.db'), bytesOf(path)))
      if (count === 6) logged = states.length - 1 // re-encryption has just emptied the log
      open = bytesOf(path)
    },
    pageBytes,
  )
  const closed = bytesOf(path)
  const [file, log] = [join(folder, 'intact'), join(folder, 'intact-wal')]
  for (const [name, bytes] of [
    [`${file}.closed`, closed.file],
    [file, open.file],
    [log, open.log],
  ] as const)
    writeFileSync(name, bytes)
  const { bits, lengths } = steps[scale]
  const within = (step: number): { from: number; step: number } => ({ from: Math.floor(Math.random() * step), step })
  const whole = { file: `${file}.closed`, log: undefined, target: 'file', states: states.slice(-1) } as const
  const withLog = { file, log, target: 'log', states: states.slice(logged) } as const
  return [whole, withLog].flatMap((one) => [
    { ...one, kind: 'flips', ...within(bits) } as const,
    { ...one, kind: 'cuts', ...within(lengths) } as const,
  ])
}

/** What a copy of the store answers: the store itself stays open meanwhile. */
async function copied(path: string, { file, log }: ReturnType<typeof bytesOf>): Promise<Answers> {
  writeFileSync(path, file)
  writeFileSync(`${path}-wal`, log)
  return answersOf(path)
}

async function inflict(path: string, damage: Omit<Damage, 'path'>): Promise<Findings> {
  const child = start(join(import.meta.dirname, 'damage-process.ts'), { ...damage, path })
  let printed = ''
  child.stdout?.on('data', (chunk: Buffer) => (printed += chunk.toString()))
  const code = await ended(child)
  if (code !== 0) return { tried: 0, noticed: 0, faults: [`the process that tried it ended with ${code}, after ${printed}`] }
  return JSON.parse(printed) as Findings // as our own program writes them
}
