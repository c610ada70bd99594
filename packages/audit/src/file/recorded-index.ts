import { join } from 'node:path'
import { folderError } from '../format/folder-errors.ts'
import { asIndexEntry, brokenIndex, type IndexEntry } from '../format/index-line.ts'
import type { HoldMark } from '../format/index-marks.ts'
import { coveredBy, type RecordedEnd } from '../format/prune-mark.ts'
import { indexFile, linesOf } from '../format/segment-reader.ts'

/** What the index says, unverified: only the auditor has its keys. */
export interface RecordedIndex {
  readonly folder: string
  /** The last epoch that was read. */
  readonly step: number
  readonly ends: ReadonlyMap<number, RecordedEnd>
  /** Segments that earlier marks cover. */
  readonly pruned: ReadonlySet<number>
  /** The last hold that began or ended. */
  readonly hold: HoldMark | undefined
}

/** Throws `INTEGRITY` if no line is an entry, `AUDIT_FAILED` if the index cannot be read. */
export async function readRecordedIndex(folder: string): Promise<RecordedIndex> {
  const ends = new Map<number, RecordedEnd>()
  const pruned = new Set<number>()
  let last: IndexEntry | undefined
  let hold: HoldMark | undefined
  try {
    for await (const lines of linesOf(join(folder, indexFile))) {
      for (const entry of lines.map(asIndexEntry).filter((each) => each !== undefined)) {
        for (const { step } of entry.pruned === undefined ? [] : coveredBy(entry.pruned, ends.values(), pruned)) pruned.add(step)
        for (const segment of entry.ended) ends.set(segment.step, { segment, time: entry.time })
        ;[last, hold] = [entry, entry.hold ?? hold]
      }
    }
  } catch (error) {
    throw folderError(error, folder)
  }
  if (last === undefined) throw brokenIndex(folder)
  return { folder: last.folder, step: last.step, ends, pruned, hold }
}
