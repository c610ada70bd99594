import { setTimeout as sleep } from 'node:timers/promises'
import { join } from 'node:path'
import { type FaultInjection, type Scale, Tally } from '../harness/fault-injection.ts'
import { newSeed, type Random, randomFrom } from '../harness/random.ts'
import { inMemory } from '../harness/scratch.ts'
import { judgeTrail } from '../workload/judge-trail.ts'
import { newTrailFolder, recordEnds, type TrailFolder } from '../workload/trail-folder.ts'
import { hasWritten, startTrailWriter } from '../workload/trail-writer.ts'

/**
 * Folders that are worn out, one after the other; each by so many rounds of so many processes that
 * are killed.
 */
const folders = { short: 5, long: 40 } as const
const rounds = 15
const together = 4

export const trailKill: FaultInjection = {
  name: "kill -9 of an audit trail's writer",
  promise: 'no acknowledged record lost; at most one torn tail for each process, and every end recorded',
  // What a killed process has written stays in the system's memory, be the file on a disk or not.
  run: (scale) => inMemory((folder) => run(folder, scale)),
}

async function run(folder: string, scale: Scale): Promise<Tally> {
  const tally = new Tally()
  const random = randomFrom(newSeed())
  // Only a process that ends by itself leaves what it compiled to the others.
  await startTrailWriter({ ...(await newTrailFolder(join(folder, 'first'))), label: 'first', records: 1, inFlight: 1, actorLength: 1 })
    .ended
  for (let number = 0; number < folders[scale]; number++) await wearOut(join(folder, `${number}`), random, tally)
  return tally
}

async function wearOut(parent: string, random: Random, tally: Tally): Promise<void> {
  const made = await newTrailFolder(parent)
  const acknowledged: string[] = []
  for (let round = 0; round < rounds; round++) {
    const writers = Array.from({ length: together }, (_, number) => killedWriter(made, `${round}.${number}`, random, tally))
    for (const names of await Promise.all(writers)) acknowledged.push(...names)
  }
  await recordEnds(made)
  await judgeTrail(made, acknowledged, tally)
}

/**
 * Kills a writer at any moment: at its start, at an epoch, at a new segment, or between writes.
 * Returns the acknowledged records.
 */
async function killedWriter(made: TrailFolder, label: string, random: Random, tally: Tally): Promise<readonly string[]> {
  const writesMuch = random.chance(0.5)
  const bulk = writesMuch ? { inFlight: 64, actorLength: 12_000 } : { inFlight: 8, actorLength: 10 }
  const writer = startTrailWriter({ ...made, label, records: 100_000, ...bulk })
  const [startsOnly, pauseMs] = [random.chance(0.15), random.below(40)]
  if (!startsOnly) await hasWritten(writer, 1 + random.below(writesMuch ? 2 : 40))
  await sleep(pauseMs)
  writer.child.kill('SIGKILL')
  const code = await writer.ended
  if (writer.acknowledged.length === 0) tally.count('ended before their first record was acknowledged')
  if (code === null) tally.count('kills')
  else tally.count('gave up before they were killed') // the folder was locked for too long
  return code === null ? writer.acknowledged : [...writer.acknowledged, ...(await killedWriter(made, `${label}+`, random, tally))]
}
