import type { EndedSegment, IndexEntry } from './index-line.ts'
import type { IndexTable } from './index-table.ts'
import type { HoldMark, PruneMark } from './index-marks.ts'
import type { SignatureVerifier } from '../keys/signature.ts'
import { canonicalLine } from '../record/canonical.ts'
import { noSeals, sealsWith } from '../record/digest.ts'
import { StepSet } from '../tables/step-set.ts'

/** More would exceed a line of the index. */
export const mostExceptions = 1_000
export const mostReasonLength = 1_000

/**
 * The segments that a mark of the time `now` covers, by the lines before it, in ascending order. One
 * that was gone when its process had ended was never pruned.
 */
export function* coveredBy(
  { endedBefore, except }: Pick<PruneMark, 'endedBefore' | 'except'>,
  index: IndexTable,
  now: number,
  prunedBefore: { readonly has: (step: number) => boolean },
): Generator<EndedSegment> {
  const isExcepted = new Set(except)
  const isLeft = (step: number): boolean => isExcepted.has(step) || prunedBefore.has(step)
  for (const segment of index.endedBefore(endedBefore, now, isLeft)) if (hasFile(segment)) yield segment
}

function hasFile({ found }: EndedSegment): boolean {
  return found === 'ended' || found === 'cut'
}

/** What the mark says of the segments that it covers. */
export function countsOf(covered: Iterable<EndedSegment>): Pick<PruneMark, 'segments' | 'records' | 'seals'> {
  let [segments, records, seals] = [0, 0, noSeals]
  for (const { step, seals: own, records: more } of covered) {
    segments++
    records += more
    seals = sealsWith(seals, Buffer.from(`${step} ${own}\n`))
  }
  return { segments, records, seals: seals.toString('base64url') }
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
  /** Of an end: the reason of the hold that it ended. Absent: an earlier release recorded it, and it ended all. */
  readonly ends?: string | undefined
}

/** Where something stands in its index that a hold forbids. */
export interface ForbiddenLine {
  readonly what: 'pruned' | 'erased'
  readonly line: number
  readonly time: number
  /** How many changes of a hold stand before it. */
  readonly holdsBefore: number
  /** The line by which the folder was left stands before it. */
  readonly isAfterLeaving: boolean
}

/** Names of persons that `eraseAuditNames` erased. */
export interface ErasedNamesMark {
  /** Epoch milliseconds by the host's clock. */
  readonly time: number
  /** What records show in the place of each name. */
  readonly pseudonyms: readonly string[]
  readonly reason: string
}

/** The removals, holds and erasures of an index, line by line. */
export class IndexMarks {
  /** Segments that a removal covers. */
  readonly pruned: StepSet = new StepSet()
  readonly prunes: PrunedSegments[] = []
  readonly holds: HoldChange[] = []
  readonly erasures: ErasedNamesMark[] = []
  /** Of each removal and erasure, where it stands. */
  readonly forbidden: ForbiddenLine[] = []
  readonly #verifier: SignatureVerifier | undefined
  #isLeft = false

  constructor(verifier?: SignatureVerifier) {
    this.#verifier = verifier
  }

  /**
   * Returns what is wrong with the line's marks, if anything: then it excuses no missing segment. If
   * a line before is damaged (not `isWhole`), an end may be missing.
   */
  take(entry: IndexEntry, before: IndexTable, isWhole: boolean): string | undefined {
    const { time, hold, erased, pruned: mark } = entry
    this.#isLeft ||= entry.successor !== undefined
    if (erased !== undefined) this.erasures.push({ time, ...erased })
    if (erased !== undefined) this.#forbid('erased', entry)
    if (hold !== undefined) this.holds.push(holdChange(time, hold))
    if (mark === undefined) return undefined
    const isSigned = this.#verifier?.(signedPrune(entry, mark), mark.signature) ?? false
    if (this.#verifier !== undefined && !isSigned) return 'the removal of old segments was not signed with the private key of `pruneKey`'
    const { segments, records, seals } = countsOf(coveredBy(mark, before, time, this.pruned))
    if (seals !== mark.seals && isWhole) return 'the line and the lines before it disagree about the removed segments'
    const { endedBefore, reason } = mark
    this.prunes.push({ time, endedBefore, reason, segments, records, isSigned })
    this.#forbid('pruned', entry)
    for (const { step } of coveredBy(mark, before, time, this.pruned)) this.pruned.add(step)
    return undefined
  }

  #forbid(what: ForbiddenLine['what'], { step, time }: IndexEntry): void {
    this.forbidden.push({ what, line: step + 1, time, holdsBefore: this.holds.length, isAfterLeaving: this.#isLeft })
  }
}

export function holdChange(time: number, { isHeld, reason, ends }: HoldMark): HoldChange {
  return { time, isHeld, reason, ...(ends !== undefined && { ends }) }
}
