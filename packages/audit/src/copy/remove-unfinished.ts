import { rm, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { isCompressed } from '../disk/gzip-file.ts'
import { heldIndex } from '../file/copy-lock.ts'
import { segmentFiles, stepOfName } from '../format/segment-files.ts'
import { readRecordedIndex } from '../retention/recorded-index.ts'

/**
 * Removes what an earlier copy has of a segment that went on, ended and was pruned since: the index
 * excuses that it is gone, and not that its end is missing. What no mark covers stays, for the auditor.
 */
export async function removeUnfinished(target: string, done: ReadonlySet<string>, ended: ReadonlyMap<number, number>): Promise<void> {
  const unfinished: { readonly path: string; readonly step: number }[] = []
  for (const { path, header, isFile } of await segmentFiles(target)) {
    const step = header?.step ?? stepOfName(path)
    const bytes = step === undefined ? undefined : ended.get(step)
    if (!isFile || step === undefined || bytes === undefined || done.has(basename(path)) || isCompressed(path)) continue
    if ((await stat(path)).size < bytes) unfinished.push({ path, step })
  }
  if (unfinished.length === 0) return
  const { pruned } = await readRecordedIndex(target, heldIndex)
  for (const { path, step } of unfinished) if (pruned.has(step)) await rm(path)
}
