import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { EndedSegment } from './index-line.ts'
import { eachSegmentFile } from './segment-files.ts'
import { noSeals, sealsWith } from '../record/digest.ts'
import { DamagedArchive } from '../disk/gzip-file.ts'
import { hasUnwritten, isRegularFile, readSegment } from './segment-reader.ts'
import { syncFile } from '../disk/fsync.ts'

export function segmentName(step: number): string {
  return `segment-${String(step).padStart(8, '0')}.jsonl`
}

/** Held by the process that writes the segment. */
export function lockOf(folder: string, step: number): string {
  return join(folder, `segment-${String(step).padStart(8, '0')}.lock`)
}

const nothing = { bytes: 0, group: 0, records: 0, seals: '', torn: 0 }

/** Its process died while opening it, so nothing in it was acknowledged. */
export function unusedSegment(step: number): EndedSegment {
  return { ...nothing, step, found: 'unused' }
}

/**
 * How a dead process left the segment, wherever it was moved. Proves nothing: only the auditor has
 * its keys.
 */
export async function endedSegment(folder: string, step: number): Promise<EndedSegment> {
  const path = await pathOf(folder, step)
  if (path === undefined) return { ...nothing, step, found: 'missing' }
  if (!(await isRegularFile(path))) throw new DamagedArchive('a FIFO or a device is in the place of the segment')
  await syncFile(path) // the index will say for ever how long it is
  let [size, isTorn, bytes, last, records, isClean, seals] = [0, false, 0, 0, 0, false, noSeals]
  for await (const group of readSegment(path)) {
    const { seal, sealLine, endsAt } = group
    size = endsAt
    isTorn ||= hasUnwritten(group)
    if (isTorn || seal === undefined) continue
    ;[bytes, last, records, isClean] = [endsAt, seal.group, records + seal.records, seal.end === true]
    seals = sealsWith(seals, sealLine)
  }
  const found = isClean ? 'ended' : 'cut'
  return { step, bytes, group: last, records, seals: bytes === 0 ? '' : seals.toString('base64url'), torn: size - bytes, found }
}

async function pathOf(folder: string, step: number): Promise<string | undefined> {
  const usual = join(folder, segmentName(step))
  const isThere = await stat(usual).then(
    () => true,
    () => false,
  )
  if (isThere) return usual
  for await (const { header, path } of eachSegmentFile(folder)) if (header?.step === step) return path
  return undefined
}
