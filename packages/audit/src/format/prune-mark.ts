import type { EndedSegment, IndexEntry } from './index-line.ts'
import type { PruneMark } from './index-marks.ts'
import { canonicalLine } from '../record/canonical.ts'
import { noSeals, sealsWith } from '../record/digest.ts'

/** A segment's end, and when the index recorded it. */
export interface RecordedEnd {
  readonly segment: EndedSegment
  readonly time: number
}

/** More would exceed a line of the index. */
export const mostExceptions = 1_000
export const mostReasonLength = 1_000

/** The segments that a mark covers. One that was gone when its process had ended was never pruned. */
export function coveredBy(
  { endedBefore, except }: Pick<PruneMark, 'endedBefore' | 'except'>,
  ends: Iterable<RecordedEnd>,
  prunedBefore: { readonly has: (step: number) => boolean },
): readonly EndedSegment[] {
  const exceptions = new Set(except)
  const covered: EndedSegment[] = []
  for (const { segment, time } of ends) {
    const isCovered = time < endedBefore && hasFile(segment) && !exceptions.has(segment.step) && !prunedBefore.has(segment.step)
    if (isCovered) covered.push(segment)
  }
  return covered.toSorted((one, other) => one.step - other.step)
}

function hasFile({ found }: EndedSegment): boolean {
  return found === 'ended' || found === 'cut'
}

/** What the mark says of the segments that it covers. */
export function countsOf(covered: readonly EndedSegment[]): Pick<PruneMark, 'segments' | 'records' | 'seals'> {
  const seals = covered.reduce((hash, { step, seals: own }) => sealsWith(hash, Buffer.from(`${step} ${own}\n`)), noSeals)
  return {
    segments: covered.length,
    records: covered.reduce((sum, { records }) => sum + records, 0),
    seals: seals.toString('base64url'),
  }
}

/** Names the line before, so that a signature fits one place in one folder. */
export function signedPrune(
  { folder, step, before, time }: Pick<IndexEntry, 'folder' | 'step' | 'before' | 'time'>,
  mark: PruneMark,
): string {
  return canonicalLine({ ...mark, signature: undefined, before, folder, kind: 'prune', step, time, v: 2 })
}
