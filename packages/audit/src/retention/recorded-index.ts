import { join } from 'node:path'
import { folderError } from '../disk/folder-errors.ts'
import { asIndexEntry, brokenIndex, type IndexEntry } from '../format/index-line.ts'
import { IndexTable } from '../format/index-table.ts'
import { IndexMarks } from '../format/prune-mark.ts'
import { indexFile, linesOf } from '../format/segment-reader.ts'
import type { StepSet } from '../tables/step-set.ts'

/** What the index says, unverified: only the auditor has its keys. */
export interface RecordedIndex {
  readonly folder: string
  /** The last epoch that was read. */
  readonly step: number
  readonly table: IndexTable
  /** Segments that earlier marks cover. */
  readonly pruned: StepSet
}

/** Throws `INTEGRITY` if no line is an entry, `AUDIT_FAILED` if the index cannot be read. */
export async function readRecordedIndex(folder: string, name: string = indexFile): Promise<RecordedIndex> {
  const table = new IndexTable()
  const marks = new IndexMarks()
  let last: IndexEntry | undefined
  try {
    for await (const lines of linesOf(join(folder, name))) {
      for (const entry of lines.map(asIndexEntry).filter((each) => each !== undefined)) {
        if (last !== undefined && entry.step <= last.step) continue // verification accepts epochs in order only
        marks.take(entry, table, false)
        table.addLine(entry)
        for (const end of entry.ended) if (!table.hasEnd(end.step)) table.addEnd(end, entry.step)
        last = entry
      }
    }
  } catch (error) {
    throw folderError(error, folder)
  }
  if (last === undefined) throw brokenIndex(folder)
  return { folder: last.folder, step: last.step, table, pruned: marks.pruned }
}
