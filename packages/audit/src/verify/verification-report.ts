import { basename } from 'node:path'
import { type AuditProblem, Problems } from './audit-problem.ts'
import { segmentName } from '../format/end-of-segment.ts'
import type { CutIndexLine, VerifiedIndex, VerifiedSegment } from './findings.ts'

/**
 * The end of a segment which its own process did not end: it runs, or it died, or it never came to
 * use it.
 */
export interface UnprovenTail {
  readonly file: string
  /**
   * How many lines are sealed: none of them was changed, but behind them some may have been cut
   * off. 0: the file may be gone too.
   */
  readonly lastLine: number
  /**
   * What was written until then is proven to be there, epoch milliseconds. Absent: no checkpoint is
   * known.
   */
  readonly provenUntil?: number | undefined
  /**
   * Bytes behind the last seal: its process died while it wrote them, or is at it. Nothing of them
   * was acknowledged.
   */
  readonly torn: number
  /**
   * Records in those bytes that are sealed, behind a hole: they were written at once with what is
   * gone, as a power cut can leave them, and so can who overwrote the end. None is counted.
   */
  readonly sealedBehind: number
}

/** What was found of one segment. */
export interface SegmentSummary {
  /** The number in its name, which is its step of the folder's key. */
  readonly segment: number
  /** Where it was read, or should be. */
  readonly file: string
  /**
   * `verified`: it is as it was written; `unproven` says so if its end is not known. `damaged`:
   * `problems` say where, and the records that are proven all the same are counted and handed out.
   * `missing`: there is no such file. A later release may add others.
   */
  readonly status: 'verified' | 'damaged' | 'missing'
  /** How many of its records are as they were written. */
  readonly records: number
  /**
   * How many are there and cannot be verified: each was changed or moved, or shares its seal with
   * one that was.
   */
  readonly damaged: number
  /**
   * How many were written and are not there; of a segment whose end nobody recorded, as many as are
   * known of.
   */
  readonly missing: number
  /** The times of the first and last record that is proven, epoch milliseconds. */
  readonly from?: number | undefined
  readonly to?: number | undefined
}

/**
 * A file in the folder that does not belong there. It was left out, and says nothing of the trail.
 */
export interface ForeignFile {
  readonly file: string
  /** One sentence for a report. */
  readonly explanation: string
}

/** What was asked for, if not the whole trail. */
export interface VerifiedRange {
  /**
   * How many segments were not looked at: nothing is known of what is in them, nor whether they are
   * there.
   */
  readonly segmentsLeftOut: number
}

export interface AuditVerification {
  /** Nothing was found. What could not be proven stands in `unproven`. */
  readonly ok: boolean
  /** The first of `problems`. */
  readonly problem?: AuditProblem | undefined
  /**
   * Everything that is wrong: of the key and the index, of files that were added, then of each
   * segment in its order; the first hundred of each, a thousand in all.
   */
  readonly problems: readonly AuditProblem[]
  /** How many further ones there are. */
  readonly problemsLeftOut: number
  /** How many records are as they were written. */
  readonly records: number
  /**
   * How many are there and cannot be verified, and how many are gone: the sums of those of
   * `segments`.
   */
  readonly damaged: number
  readonly missing: number
  /** Every segment that was looked at, in order. */
  readonly segments: readonly SegmentSummary[]
  /** The times of the first and last record, epoch milliseconds. */
  readonly from?: number | undefined
  readonly to?: number | undefined
  /** How many records the sink did not acknowledge, as its gap records say. */
  readonly missed: number
  readonly unproven: readonly UnprovenTail[]
  /**
   * The folder's own key was there and says that no step is missing at the end of the index; in a
   * copy without it only checkpoints can.
   */
  readonly isIndexWhole: boolean
  /** Lines of the index that were not finished, in their order. Nothing depends on them. */
  readonly cutIndexLines: readonly CutIndexLine[]
  readonly foreign: readonly ForeignFile[]
  /** Absent: the whole trail was looked at. */
  readonly range?: VerifiedRange | undefined
}

const mostProblems = 1_000

/** What is known so far. */
export class VerificationReport {
  readonly problems: Problems = new Problems(mostProblems)
  readonly #segments: SegmentSummary[] = []
  readonly #unproven: UnprovenTail[] = []
  readonly #foreign: ForeignFile[] = []
  #index: Pick<VerifiedIndex, 'isWhole' | 'cutLines'> = { isWhole: false, cutLines: [] }
  #range: VerifiedRange | undefined
  #missed = 0

  indexed(index: VerifiedIndex): void {
    this.#index = index
    this.problems.addAll(index.problems)
  }

  foreign(file: string, explanation: string): void {
    this.#foreign.push({ file, explanation })
  }

  leftOut(segmentsLeftOut: number): void {
    this.#range = { segmentsLeftOut }
  }

  verified(segment: number, path: string, found: VerifiedSegment): void {
    const { problems, ofCheckpoints, records, damaged, missing, missed, from, to } = found
    const [file, isDamaged] = [basename(path), problems.count > 0]
    this.problems.addAll(problems)
    for (const problem of ofCheckpoints) this.problems.add(problem)
    this.#missed += missed
    this.#segments.push({ segment, file, status: isDamaged ? 'damaged' : 'verified', records, damaged, missing, from, to })
    const { isEnded, lastLine, checkpointedAt, torn, sealedBehind } = found
    if (!isEnded && !isDamaged) this.#unproven.push({ file, lastLine, provenUntil: checkpointedAt, torn, sealedBehind })
  }

  gone(segment: number, missing: number): void {
    const file = segmentName(segment)
    this.problems.add({ what: 'missing', file, line: 1, segment, explanation: 'the segment is gone' })
    this.#segments.push({ segment, file, status: 'missing', records: 0, damaged: 0, missing })
  }

  /** A segment that is not there: that it never was is only somebody's word. */
  unseen(segment: number): void {
    this.#unproven.push({ file: segmentName(segment), lastLine: 0, torn: 0, sealedBehind: 0 })
  }

  result(): AuditVerification {
    const { list, count } = this.problems
    const segments = this.#segments
    const sum = (member: 'records' | 'damaged' | 'missing'): number => segments.reduce((total, one) => total + one[member], 0)
    const range = this.#range && { range: this.#range }
    return {
      ok: count === 0,
      problem: list[0],
      problems: list,
      problemsLeftOut: count - list.length,
      records: sum('records'),
      damaged: sum('damaged'),
      missing: sum('missing'),
      segments,
      from: least(segments.map(({ from }) => from)),
      to: most(segments.map(({ to }) => to)),
      missed: this.#missed,
      unproven: this.#unproven,
      isIndexWhole: this.#index.isWhole,
      cutIndexLines: this.#index.cutLines,
      foreign: this.#foreign,
      ...range,
    }
  }
}

function least(times: readonly (number | undefined)[]): number | undefined {
  return times.reduce((one, other) => (one === undefined || (other !== undefined && other < one) ? other : one), undefined)
}

function most(times: readonly (number | undefined)[]): number | undefined {
  return times.reduce((one, other) => (one === undefined || (other !== undefined && other > one) ? other : one), undefined)
}
