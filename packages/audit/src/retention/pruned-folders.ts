import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { assertFirst } from '../file/rotate-audit-folder.ts'
import { readFirstEntry } from '../format/first-entry.ts'
import { asIndexEntry, type IndexEntry } from '../format/index-line.ts'
import { indexFile, linesOf } from '../format/segment-reader.ts'
import { successorsOf } from '../format/successors.ts'
import { coveredBy } from '../format/prune-mark.ts'
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

/** Whether a trail is under a legal hold, asked again and again: an index that did not grow is not read again. */
export class HoldWatch {
  readonly #root: string
  /** By the path of a folder. */
  readonly #known = new Map<string, { readonly size: number; readonly isHeld: boolean | undefined }>()

  constructor(root: string) {
    this.#root = root
  }

  /** A hold of one folder is of those after it too, until another line ends it. */
  async isHeld(): Promise<boolean> {
    for (const { path } of foldersOf(this.#root).toReversed()) {
      const isHeld = await this.#lastOf(path)
      if (isHeld !== undefined) return isHeld
    }
    return false
  }

  async #lastOf(folder: string): Promise<boolean | undefined> {
    const { size } = await stat(join(folder, indexFile))
    const known = this.#known.get(folder)
    if (known?.size === size) return known.isHeld
    const isHeld = await lastHoldIn(folder)
    this.#known.set(folder, { size, isHeld })
    return isHeld
  }
}

export function isUnderHold(root: string): Promise<boolean> {
  return new HoldWatch(root).isHeld()
}

/** Parses only lines that may say so: all of them would take a minute for each million. */
async function lastHoldIn(folder: string): Promise<boolean | undefined> {
  let last: IndexEntry | undefined
  for await (const lines of linesOf(join(folder, indexFile))) {
    for (const line of lines) {
      const entry = line.includes('"hold":') ? asIndexEntry(line) : undefined
      if (entry?.hold !== undefined && entry.step > (last?.step ?? -1)) last = entry
    }
  }
  return last?.hold?.isHeld
}

/** What the indexes of a trail say together. */
export interface TrailOverview {
  readonly isHeld: boolean
  /** The longest time without a line, from the last old one until now. 0: nothing is old. */
  readonly gapMs: number
}

/** Reads one index at a time. */
export async function overview(folders: readonly FolderOfTrail[], before: number): Promise<TrailOverview> {
  const now = Date.now()
  const gaps = new Gaps(before)
  let [isHeld, isOld] = [false, false]
  for (const { path } of folders) {
    const index = await readRecordedIndex(path)
    isHeld = index.isHeld ?? isHeld
    for (const _ of coveredBy({ endedBefore: before, except: [] }, index.table, now, index.pruned)) {
      isOld = true
      break
    }
    for (const time of index.table.times()) if (time <= now) gaps.add(time)
  }
  gaps.add(now)
  return { isHeld, gapMs: isOld ? gaps.longestMs : 0 }
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
