import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { assertFirst } from '../file/rotate-audit-folder.ts'
import { readFirstEntry } from '../format/first-entry.ts'
import { asIndexEntry } from '../format/index-line.ts'
import { indexFile, linesOf } from '../format/segment-reader.ts'
import { successorsOf } from '../format/successors.ts'
import { inForce } from '../format/legal-holds.ts'
import { coveredBy, type HoldChange, holdChange } from '../format/prune-mark.ts'
import { readRecordedIndex } from './recorded-index.ts'

/** A folder of a trail. */
export interface FolderOfTrail {
  readonly path: string
  /** Within the first folder; empty for that. */
  readonly name: string
}

/** The first folder, and those within it that follow, by age. Throws `CONFIGURATION` for one of the others. */
export function foldersOf(root: string): readonly FolderOfTrail[] {
  assertFirst(root)
  const within = successorsOf(root).map((name) => ({ path: join(root, name), name }))
  return [{ path: root, name: '' }, ...within.filter(({ path }) => readFirstEntry(path)?.follows !== undefined)]
}

/** The legal holds of a trail, asked for again and again: an index that did not grow is not read again. */
export class HoldWatch {
  readonly #root: string
  /** By the path of a folder. */
  readonly #known = new Map<string, { readonly size: number; readonly changes: readonly HoldChange[] }>()

  constructor(root: string) {
    this.#root = root
  }

  /** Those in force: a hold of one folder is of those after it too, until another line ends it. */
  async held(): Promise<readonly HoldChange[]> {
    const changes: HoldChange[] = []
    for (const { path } of foldersOf(this.#root)) changes.push(...(await this.#changesOf(path)))
    return inForce(changes)
  }

  async #changesOf(folder: string): Promise<readonly HoldChange[]> {
    const { size } = await stat(join(folder, indexFile))
    const known = this.#known.get(folder)
    if (known?.size === size) return known.changes
    const changes = await holdChangesIn(folder)
    this.#known.set(folder, { size, changes })
    return changes
  }
}

/** Parses only lines that may say so: all of them would take a minute for each million. */
async function holdChangesIn(folder: string): Promise<readonly HoldChange[]> {
  const changes: HoldChange[] = []
  let lastStep = -1
  for await (const lines of linesOf(join(folder, indexFile))) {
    for (const line of lines) {
      const entry = line.includes('"hold":') ? asIndexEntry(line) : undefined
      if (entry?.hold === undefined || entry.step <= lastStep) continue // verification accepts epochs in order only
      changes.push(holdChange(entry.time, entry.hold))
      lastStep = entry.step
    }
  }
  return changes
}

/** The longest time without a line, from the last one that is old until now, in milliseconds. 0: nothing is old. Reads one index at a time. */
export async function longestGapMs(folders: readonly FolderOfTrail[], before: number): Promise<number> {
  const now = Date.now()
  const gaps = new Gaps(before)
  let isOld = false
  for (const { path } of folders) {
    const index = await readRecordedIndex(path)
    for (const _ of coveredBy({ endedBefore: before, except: [] }, index.table, now, index.pruned)) {
      isOld = true
      break
    }
    for (const time of index.table.times()) if (time <= now) gaps.add(time)
  }
  gaps.add(now)
  return isOld ? gaps.longestMs : 0
}

/** Between lines that are not older than a time, and the one before them. */
class Gaps {
  longestMs = 0
  readonly #since: number
  #latest: number | undefined

  constructor(since: number) {
    this.#since = since
  }

  add(time: number): void {
    const latest = this.#latest ?? time
    if (time >= this.#since) this.longestMs = Math.max(this.longestMs, time - latest)
    this.#latest = Math.max(latest, time)
  }
}
