import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type UnprovenTail } from '@finchat/secrets-audit'
import { verifiedTrail } from '@finchat/secrets-audit/report'
import type { AuditRecord } from '@finchat/secrets-core'
import type { Tally } from '../harness/fault-injection.ts'
import type { TrailFolder } from './trail-folder.ts'

/**
 * The trail verifies, holds every record that was acknowledged, and says of every segment how it
 * ended.
 */
export async function judgeTrail({ folder, checkpoints, key }: TrailFolder, acknowledged: readonly string[], tally: Tally): Promise<void> {
  const { verification, result: names } = await verifiedTrail(folder, { key, checkpoint: checkpoints }, namesIn)
  const { ok, problem, unproven, missed } = verification
  if (!ok) tally.fault(`verification: ${problem?.file}:${problem?.line} ${problem?.what}: ${problem?.explanation}`)
  if (missed > 0) tally.fault(`${missed} records were not acknowledged to a process that lived`)
  for (const name of acknowledged) if (!names.has(name)) tally.fault(`${name} was acknowledged and is gone`)
  tally.count('records verified', verification.records)
  tally.count('acknowledged records found', acknowledged.length)
  judgeEnds(folder, unproven, tally)
}

async function namesIn(records: AsyncIterable<AuditRecord>): Promise<ReadonlySet<string>> {
  const names = new Set<string>()
  for await (const { name } of records) names.add(name)
  return names
}

/** As the index has it. */
interface Entry {
  readonly step: number
  readonly opens: boolean
  readonly ended: readonly { readonly step: number; readonly found: string; readonly torn: number }[]
}

/**
 * Each segment that was opened ended once, and those that no process ended are the ones whose ends
 * are unproven.
 */
function judgeEnds(folder: string, unproven: readonly UnprovenTail[], tally: Tally): void {
  const lines = readFileSync(join(folder, 'index.jsonl'), 'utf8').split('\n').slice(0, -1)
  const entries = lines.map((line) => JSON.parse(line) as Entry) // verification has looked at each
  const ends = new Map<number, number>()
  for (const { step, found, torn } of entries.flatMap(({ ended }) => ended)) {
    ends.set(step, (ends.get(step) ?? 0) + 1)
    tally.count(`segments found ${found}`)
    if (torn > 0) tally.count('torn tails, each recorded')
  }
  for (const { step } of entries.filter(({ opens }) => opens)) {
    if (ends.get(step) !== 1) tally.fault(`the end of segment ${step} is recorded ${ends.get(step) ?? 0} times`)
  }
  const open = entries.flatMap(({ ended }) => ended).filter(({ found }) => found === 'cut' || found === 'unused')
  if (open.length !== unproven.length)
    tally.fault(`${open.length} segments were left open, and the ends of ${unproven.length} are unproven`)
}
