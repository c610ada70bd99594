import type { EndedSegment, IndexEntry } from './index-line.ts'
import type { PruneMark } from './index-marks.ts'
import type { SignatureVerifier } from '../keys/signature.ts'
import { canonicalLine } from '../record/canonical.ts'
import { noSeals, sealsWith } from '../record/digest.ts'

/** A line of the index: when it was written, and the ends that it records. */
export interface RecordedLine {
  readonly time: number
  readonly ended: readonly EndedSegment[]
}

/** More would exceed a line of the index. */
export const mostExceptions = 1_000
export const mostReasonLength = 1_000

/**
 * The segments that a mark of the time `now` covers, by the lines before it. One that was gone when
 * its process had ended was never pruned.
 */
export function coveredBy(
  { endedBefore, except }: Pick<PruneMark, 'endedBefore' | 'except'>,
  lines: Iterable<RecordedLine>,
  now: number,
  prunedBefore: { readonly has: (step: number) => boolean },
): readonly EndedSegment[] {
  const isExcepted = new Set(except)
  const isLeft = (segment: EndedSegment): boolean => !hasFile(segment) || isExcepted.has(segment.step) || prunedBefore.has(segment.step)
  const covered: EndedSegment[] = []
  let latest = 0
  for (const { time, ended } of lines) {
    if (time <= now) latest = Math.max(latest, time)
    if (Math.max(time, latest) < endedBefore) covered.push(...ended.filter((segment) => !isLeft(segment)))
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

/** Segments that `pruneAuditFolder` removed in one run. */
export interface PrunedSegments {
  /** When, epoch milliseconds by the host's clock. */
  readonly time: number
  /** Every record of them is older, epoch milliseconds. */
  readonly endedBefore: number
  readonly reason: string
  readonly segments: number
  readonly records: number
  /** `pruneKey` signed it. `false` without `pruneKey`: a writer of the folder can prune it. */
  readonly isSigned: boolean
}

/** A legal hold that began or ended. */
export interface HoldChange {
  /** Epoch milliseconds by the host's clock. */
  readonly time: number
  readonly isHeld: boolean
  readonly reason: string
}

/** The removals and holds of an index, line by line. */
export class IndexMarks {
  /** The removal of each segment that one covers. */
  readonly pruned: Map<number, PrunedSegments> = new Map()
  readonly prunes: PrunedSegments[] = []
  readonly holds: HoldChange[] = []
  readonly #verifier: SignatureVerifier | undefined

  constructor(verifier?: SignatureVerifier) {
    this.#verifier = verifier
  }

  /**
   * Returns what is wrong with the line's marks, if anything: then it excuses no missing segment. If
   * a line before is damaged (not `isWhole`), an end may be missing.
   */
  take(entry: IndexEntry, before: Iterable<RecordedLine>, isWhole: boolean): string | undefined {
    const { time, hold, pruned: mark } = entry
    if (hold !== undefined) this.holds.push({ time, isHeld: hold.isHeld, reason: hold.reason })
    if (mark === undefined) return undefined
    const isSigned = this.#verifier?.(signedPrune(entry, mark), mark.signature) ?? false
    if (this.#verifier !== undefined && !isSigned) return 'the removal of old segments was not signed with the private key of `pruneKey`'
    const covered = coveredBy(mark, before, time, this.pruned)
    const { segments, records, seals } = countsOf(covered)
    if (seals !== mark.seals && isWhole) return 'the line and the lines before it disagree about the removed segments'
    const { endedBefore, reason } = mark
    const pruned = { time, endedBefore, reason, segments, records, isSigned }
    this.prunes.push(pruned)
    for (const { step } of covered) this.pruned.set(step, pruned)
    return undefined
  }
}
