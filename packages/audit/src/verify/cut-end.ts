import type { GroupKeys } from './group-keys.ts'
import { isSealed } from './sealed-part.ts'
import { maxGroupRecords, type SegmentGroup } from '../format/segment-reader.ts'

/** What is sealed behind the place where a segment seems to end. */
export interface SealedBehind {
  /**
   * Something was written after what stood there had been: no crash leaves that, unless `durable` was
   * false.
   */
  readonly isLater: boolean
  /** How many records were written at once with it. */
  readonly records: number
}

/**
 * Reads on behind that place, which is where `first` should stand. A process writes only what follows
 * its last sync, and a seal says where that began: so a power cut takes the one part of a write and
 * leaves the other, but never takes what an authentic seal behind it says to have been on disk.
 */
export async function sealedBehind(
  groups: AsyncIterable<SegmentGroup>,
  place: { readonly firstLine: number; readonly first: number },
  keys: GroupKeys,
): Promise<SealedBehind> {
  let [lines, records]: [readonly Buffer[], number] = [[], 0]
  for await (const group of groups) {
    if (group.firstLine < place.firstLine) continue
    lines = [...lines, ...group.lines].slice(-maxGroupRecords - 1)
    const { seal, endsAt } = group
    if (seal === undefined) continue
    const key = keys.of(seal.group, endsAt)
    if (key !== undefined && isSealed(key, seal, lines)) {
      if (seal.start > place.first) return { isLater: true, records }
      records += seal.records
    }
    lines = []
  }
  return { isLater: false, records }
}
