import { join } from 'node:path'
import { type AuditVerification, verifyAuditTrail } from '@finchat/secrets-audit'
import { type FaultInjection, type Scale, Tally } from '../harness/fault-injection.ts'
import { inScratch } from '../harness/scratch.ts'
import { judgeTrail } from '../workload/judge-trail.ts'
import { newTrailFolder, type TrailFolder } from '../workload/trail-folder.ts'
import { hasWritten, startTrailWriter, type TrailWriter } from '../workload/trail-writer.ts'

const writers = 8
const records = { short: 10_000, long: 100_000 } as const

export const trailWriters: FaultInjection = {
  name: 'eight writers of one audit trail',
  promise: 'every record once and valid; verification beside them finds nothing wrong',
  run: (scale) => inScratch((folder) => run(join(folder, 'audit'), scale)),
}

async function run(parent: string, scale: Scale): Promise<Tally> {
  const tally = new Tally()
  const made = await newTrailFolder(parent)
  const orders = { ...made, records: records[scale], inFlight: 64, actorLength: 10 }
  const writing = Array.from({ length: writers }, (_, number) => startTrailWriter({ ...orders, label: `${number}` }))
  const ends = Promise.all(writing.map(({ ended }) => ended))
  await Promise.race([Promise.all(writing.map((writer) => hasWritten(writer, 1))), ends])
  await verifyBeside(made, writing, tally)
  for (const code of await ends) if (code !== 0) tally.fault(`a writer ended with ${code}`)
  await judgeTrail(
    made,
    writing.flatMap(({ acknowledged }) => acknowledged),
    tally,
  )
  return tally
}

/** Again and again until the last of them has ended, and once more then. */
async function verifyBeside({ folder, checkpoints, key }: TrailFolder, writing: readonly TrailWriter[], tally: Tally): Promise<void> {
  let isLast = false
  while (!isLast) {
    isLast = writing.every(({ child }) => child.exitCode !== null)
    const verification = await verifyAuditTrail(folder, { key, checkpoint: checkpoints })
    tally.count('verifications while they wrote')
    note(verification, tally)
  }
}

function note({ ok, problem }: AuditVerification, tally: Tally): void {
  if (!ok) tally.fault(`beside the writers: ${problem?.file}:${problem?.line} ${problem?.what}: ${problem?.explanation}`)
}
