import { appendFileSync, closeSync, mkdirSync, openSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { verifyAuditTrail } from '@finchat/secrets-audit'
import { ended, start } from '../harness/child.ts'
import { type FaultInjection, type Scale, Tally } from '../harness/fault-injection.ts'
import { cutAtSyncs, type Image } from './cut-at-syncs.ts'
import { contentsOf, folderAt, sectorLength, writeFolder } from './disk.ts'
import { recordedCalls, recordingInto } from './recording.ts'
import { Replay } from './replay.ts'
import { newSeed, type Random, randomFrom } from '../harness/random.ts'
import { inMemory, inScratch } from '../harness/scratch.ts'
import { withStrace } from '../harness/strace.ts'
import { judgeTrail } from '../workload/judge-trail.ts'
import { newTrailFolder, recordEnds, type TrailFolder } from '../workload/trail-folder.ts'
import type { TrailOrders } from '../workload/trail-writer.ts'

/** How many records each writer has in flight: a group for each batch, or several. */
const lives: Readonly<Record<Scale, readonly number[]>> = { short: [12, 150], long: [1, 12, 12, 150, 150, 500] }
const records: Readonly<Record<Scale, number>> = { short: 200, long: 1_500 }
/** So many writers follow one that was killed at one of its first syncs, and write little. */
const successors: Readonly<Record<Scale, number>> = { short: 3, long: 40 }
const [firstSyncs, fewRecords] = [20, 40]
/** No line of the index is shorter. */
const leastLine = 180

/**
 * A writer's calls are recorded, and done again one by one afterwards, with the power cut at each
 * sync; its checkpoints are on another machine.
 */
export const trailPowerLoss: FaultInjection = {
  name: 'power cut at each fsync of a trail',
  promise: 'whatever part of the unsynced has reached the disk: the trail is taken for whole, holds what was acknowledged, and goes on',
  run: (scale) =>
    withStrace(async (tally) => {
      for (const amount of amounts(scale, randomFrom(newSeed()))) await inScratch((folder) => run(folder, amount, tally))
    }),
}

type Amount = Pick<TrailOrders, 'records' | 'inFlight' | 'diesAtSync'>

function amounts(scale: Scale, random: Random): readonly Amount[] {
  const alone = lives[scale].map((inFlight) => ({ inFlight, records: records[scale] }))
  const following = Array.from({ length: successors[scale] }, () => ({
    inFlight: 12,
    records: fewRecords,
    diesAtSync: 1 + random.below(firstSyncs),
  }))
  return [...alone, ...following]
}

/** `diesAtSync` is for one that writes before. */
async function run(parent: string, { diesAtSync, ...amount }: Amount, tally: Tally): Promise<void> {
  const made = await newTrailFolder(parent)
  await leaveUnfinished(made)
  const [recording, before] = [join(parent, 'calls'), folderAt(made.folder)]
  if (diesAtSync !== undefined) await write(made, recording, { ...amount, diesAtSync, label: 'killed' })
  if ((await write(made, recording, { ...amount, label: 'w' })) !== 0) return tally.fault('the writer failed')
  const checkpoints = checkpointsOver(made.checkpoints, recording)
  await cutAtSyncs({ recording, folder: made.folder, start: before }, randomFrom(newSeed()), tally, (image) =>
    tryTrail(made.key, image, checkpoints(image.at), tally),
  )
}

/**
 * A process died at an epoch and left half an index line, so that the next line spans two sectors.
 */
async function leaveUnfinished(made: TrailFolder): Promise<void> {
  const index = join(made.folder, 'index.jsonl')
  do await recordEnds(made)
  while (statSync(index).size % sectorLength < sectorLength - leastLine)
  appendFileSync(index, `{"ended":[${'{"bytes":1},'.repeat(100)}`)
}

/**
 * Writes small segments, in batches that take several writes of the disk. Returns its exit code.
 */
async function write(made: TrailFolder, recording: string, amount: Amount & Pick<TrailOrders, 'label'>): Promise<number | null> {
  const orders: TrailOrders = { ...made, ...amount, actorLength: 300, maxSegmentBytes: 65_536 }
  const output = openSync(join(made.folder, '..', 'output'), 'w')
  const child = start(join(import.meta.dirname, '../workload/trail-process.ts'), orders, {
    under: recordingInto(recording),
    stdio: ['pipe', output, 'inherit'],
  })
  closeSync(output)
  return ended(child)
}

/** What had come to the other machine by a time; the times only go forward. */
function checkpointsOver(folder: string, recording: string): (until: number) => ReadonlyMap<string, Buffer> {
  const [replay, calls] = [new Replay(folder), recordedCalls(recording)]
  let next = 0
  return (until) => {
    for (let call = calls[next]; call !== undefined && call.at < until; call = calls[++next]) replay.apply(call)
    return contentsOf(replay.now)
  }
}

/** A file that was only just made is no checkpoint, and a trail is not verified by none. */
function haveCome(checkpoints: ReadonlyMap<string, Buffer>): boolean {
  return [...checkpoints.values()].some((content) => content.length > 0)
}

async function tryTrail(
  key: string,
  { files, output, when }: Image,
  checkpoints: ReadonlyMap<string, Buffer>,
  tally: Tally,
): Promise<void> {
  const own = new Tally()
  await inMemory(async (parent) => {
    const made = { folder: join(parent, 'trail'), checkpoints: join(parent, 'checkpoints'), key }
    for (const path of [made.folder, made.checkpoints]) mkdirSync(path)
    writeFolder(made.folder, files)
    writeFolder(made.checkpoints, checkpoints)
    const { ok, problem, unproven } = await verifyAuditTrail(made.folder, {
      key,
      ...(haveCome(checkpoints) && { checkpoint: made.checkpoints }),
    })
    if (unproven.some(({ sealedBehind }) => sealedBehind > 0)) tally.count('had sealed groups behind a hole')
    if (!ok) own.fault(`before it goes on: ${problem?.file}:${problem?.line} ${problem?.what}: ${problem?.explanation}`)
    await recordEnds(made)
    await judgeTrail(made, output.split('\n').slice(0, -1), own)
  }).catch((error: unknown) => own.fault(String(error)))
  tally.count('disk images verified')
  for (const fault of own.faults) tally.fault(`${when}: ${fault}`)
}
