import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { verifyAuditTrail } from '@finchat/secrets-audit'
import { ended, start } from '../harness/child.ts'
import { type FaultInjection, type Scale, Tally } from '../harness/fault-injection.ts'
import { newSeed } from '../harness/random.ts'
import { inScratch } from '../harness/scratch.ts'
import { newTrailFolder, recordEnds, type TrailFolder } from '../workload/trail-folder.ts'

export interface OperationsOrders extends TrailFolder {
  /** The file of the names' keys, and the two targets of copies. */
  readonly names: string
  readonly targets: readonly [string, string]
  /** How long the process operates. */
  readonly operateMs: number
  /** Which of the eight it is. */
  readonly number: number
  readonly seed: number
}

export type OperationsReport = Pick<Tally, 'faults'> & { readonly counts: readonly [string, number][] }

const operators = 8
/** A new trail for each round: a round's chances differ, and its index stays short. */
const rounds: Readonly<Record<Scale, number>> = { short: 1, long: 20 }
const roundMs: Readonly<Record<Scale, number>> = { short: 6_000, long: 30_000 }

export const trailOperations: FaultInjection = {
  name: 'operations on one audit trail at once',
  promise:
    'eight processes write, copy, prune, hold, release, erase, rotate and verify as they like: nothing goes under a hold, no copy breaks, no verification rejects',
  run: async (scale) => {
    const tally = new Tally()
    for (let round = 0; round < rounds[scale]; round++) tally.add(await inScratch((folder) => play(folder, roundMs[scale])))
    return tally
  },
}

async function play(parent: string, operateMs: number): Promise<Tally> {
  const tally = new Tally()
  const made = await newTrailFolder(parent)
  await recordEnds(made) // so that there are checkpoints
  const targets = [join(parent, 'copy-a'), join(parent, 'copy-b')] as const
  const orders = { ...made, names: join(parent, 'names.key'), targets, operateMs }
  const playing = Array.from({ length: operators }, (_, number) => operate({ ...orders, number, seed: newSeed() }))
  for (const told of await Promise.all(playing)) tally.add(told)
  await judge(tally, made.folder, made.key, made.checkpoints)
  for (const target of targets) await judge(tally, join(target, 'audit'), made.key, join(target, 'checkpoints'))
  tally.count('trails')
  return tally
}

async function operate(orders: OperationsOrders): Promise<Tally> {
  const [tally, child] = [new Tally(), start(join(import.meta.dirname, 'trail-operations-process.ts'), orders)]
  if (child.stdout === null) throw new Error('the process has no output')
  for await (const line of createInterface(child.stdout)) {
    const { counts, faults }: OperationsReport = JSON.parse(line) // as our own program says it
    tally.add({ counts: new Map(counts), faults: [...faults], notRun: [] })
  }
  if ((await ended(child)) !== 0) tally.fault(`process ${orders.number} of seed ${orders.seed} ended before its time`)
  return tally
}

/** Once nothing runs any more. */
async function judge(tally: Tally, folder: string, key: string, checkpoint: string): Promise<void> {
  const { ok, problem, holdsInForce } = await verifyAuditTrail(folder, { key, checkpoint })
  if (!ok) tally.fault(`at the end, ${folder}: ${problem?.file}:${problem?.line} ${problem?.what}: ${problem?.explanation}`)
  tally.count('holds in force at the end', holdsInForce.length)
}
