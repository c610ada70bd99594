import { asIndexEntry } from '../format/index-line.ts'
import { linesOf } from '../format/segment-reader.ts'

/** What a copy of an index reaches. */
export interface IndexExtent {
  /** Complete ones: the last one may be under way. */
  readonly lines: number
  /** Removals of old segments. */
  readonly prunes: number
  /** The bytes of each segment that ended behind the index of the copy before, by its epoch. */
  readonly ended: ReadonlyMap<number, number>
  /** Where the trail goes on, and where the line begins that says so. */
  readonly next: { readonly name: string; readonly at: number } | undefined
}

/** `copiedBytes`: of the index of the copy before. */
export async function extentOf(path: string, copiedBytes: number = Infinity): Promise<IndexExtent> {
  let [count, prunes, at] = [0, 0, 0]
  const ended = new Map<number, number>()
  let next: IndexExtent['next']
  for await (const lines of linesOf(path)) {
    for (const line of lines) {
      const isNew = at + line.length > copiedBytes // the last line may have been under way
      const entry = isNew || mayBeMarked(line) ? asIndexEntry(line) : undefined
      if (isNew) for (const { step, bytes } of entry?.ended ?? []) ended.set(step, bytes)
      if (line.at(-1) === 0x0a) count++
      if (entry?.pruned !== undefined) prunes++
      if (entry?.successor !== undefined) next = { name: entry.successor.name, at }
      at += line.length
    }
  }
  return { lines: count, prunes, ended, next }
}

/** Parsing every line takes a minute for each million. */
function mayBeMarked(line: Buffer): boolean {
  return line.includes('"pruned":') || line.includes('"successor":')
}
