import { join } from 'node:path'
import { folderError } from '../format/folder-errors.ts'
import { asIndexEntry, brokenIndex, type IndexEntry } from '../format/index-line.ts'
import { IndexMarks, type RecordedLine } from '../format/prune-mark.ts'
import { indexFile, linesOf } from '../format/segment-reader.ts'

/** What the index says, unverified: only the auditor has its keys. */
export interface RecordedIndex {
  readonly folder: string
  /** The last epoch that was read. */
  readonly step: number
  readonly lines: readonly RecordedLine[]
  /** Segments that earlier marks cover. */
  readonly pruned: ReadonlyMap<number, unknown>
  readonly isHeld: boolean
}

/** Throws `INTEGRITY` if no line is an entry, `AUDIT_FAILED` if the index cannot be read. */
export async function readRecordedIndex(folder: string): Promise<RecordedIndex> {
  const recorded: RecordedLine[] = []
  const marks = new IndexMarks()
  let last: IndexEntry | undefined
  try {
    for await (const lines of linesOf(join(folder, indexFile))) {
      for (const entry of lines.map(asIndexEntry).filter((each) => each !== undefined)) {
        marks.take(entry, recorded, false)
        recorded.push({ time: entry.time, ended: entry.ended })
        last = entry
      }
    }
  } catch (error) {
    throw folderError(error, folder)
  }
  if (last === undefined) throw brokenIndex(folder)
  return { folder: last.folder, step: last.step, lines: recorded, pruned: marks.pruned, isHeld: marks.holds.at(-1)?.isHeld === true }
}
