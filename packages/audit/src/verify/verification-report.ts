import { basename } from 'node:path'
import type { RefusedCheckpoints } from '../checkpoints/checkpoint-table.ts'
import { BoundedList } from '../tables/bounded-list.ts'
import { type AuditProblem, Problems } from './audit-problem.ts'
import { segmentName } from '../format/end-of-segment.ts'
import { indexFile } from '../format/segment-reader.ts'
import type { ErasedNamesMark, HoldChange, PrunedSegments } from '../format/prune-mark.ts'
import type { IndexFindings, SegmentFindings, TornIndexLine } from './findings.ts'
import type { WrongClock } from '../tables/host-clock.ts'
import { HostsAtOnce } from './hosts-at-once.ts'

/** The end of a segment that its own process did not end: it runs, died, or never used it. */
export interface UnprovenTail {
  readonly file: string
  /**
   * The number of sealed lines, all authentic. Lines behind them may have been removed; at 0 the
   * whole file.
   */
  readonly lastLine: number
  /**
   * Everything written until then is proven to be there, epoch milliseconds. Absent: no checkpoint
   * is known.
   */
  readonly provenUntil?: number | undefined
  /**
   * When the next process recorded how it found this end: what is removed later is detected. Epoch
   * milliseconds. Absent: its process runs, or no other came after it.
   */
  readonly recordedAt?: number | undefined
  /** Bytes behind the last seal, which were never acknowledged. */
  readonly torn: number
  /**
   * Sealed records in those bytes, behind a hole that a power cut or an attacker left. They are not
   * counted.
   */
  readonly sealedBehind: number
}

/** What was found of one segment. */
export interface SegmentSummary {
  /** The number in its name. */
  readonly segment: number
  /** Where it was read, or should be. */
  readonly file: string
  /**
   * `verified`: as it was written; `unproven` names it if its end is unknown. `damaged`: see
   * `problems`; its authentic records are counted and returned. `missing`: there is no such file. A
   * later release may add others.
   */
  readonly status: 'verified' | 'damaged' | 'missing'
  /** Authentic records. */
  readonly records: number
  /** Records that cannot be verified: changed or moved, or sealed together with one that was. */
  readonly damaged: number
  /** Records that were written and are gone, as far as is known. */
  readonly missing: number
  /** The times of the first and last authentic record, epoch milliseconds. */
  readonly from?: number | undefined
  readonly to?: number | undefined
  /** The machine that wrote it, by its header. Absent: that is damaged or missing. */
  readonly host?: string | undefined
}

/** A file that does not belong to the trail, and was ignored. */
export interface ForeignFile {
  readonly file: string
  /** One sentence for a report. */
  readonly explanation: string
}

/** What was left out, if a range was asked for. */
export interface VerifiedRange {
  /** Segments that were not read. Nothing is known of them, nor whether they exist. */
  readonly segmentsLeftOut: number
  /** When the index was written first and last, by the clocks of the hosts: epoch milliseconds. */
  readonly writtenFrom?: number | undefined
  readonly writtenUntil?: number | undefined
}

/** What checkpoints prove. */
export interface ComparedCheckpoints {
  /** How many are of this folder. */
  readonly count: number
  /**
   * The time of the newest that fits, epoch milliseconds. What a process had written at its last
   * checkpoint cannot be missing. Absent: none was compared, or there is a problem.
   */
  readonly newest?: number | undefined
  /** `checkpointKey` demanded their signatures. */
  readonly areSigned: boolean
}

/** The result of a verification. */
export interface AuditVerification {
  /** Nothing is wrong. `unproven` holds what could not be proven. */
  readonly ok: boolean
  /** The folder's id, as `initAuditFolder` returned it. Absent: no line of its index is authentic. */
  readonly id?: string | undefined
  /** The first of `problems`. */
  readonly problem?: AuditProblem | undefined
  /**
   * All problems: of the key, the index, added files, then each segment in order. At most a hundred
   * of each, and a thousand in all.
   */
  readonly problems: readonly AuditProblem[]
  /** Further problems that are not listed. */
  readonly problemsLeftOut: number
  /** Authentic records. */
  readonly records: number
  /** Records that cannot be verified, and records that are gone: the sums over `segments`. */
  readonly damaged: number
  readonly missing: number
  /**
   * The segments that were read, in order: those that are damaged or missing, at most 10,000, and the
   * first 10,000 of the others.
   */
  readonly segments: readonly SegmentSummary[]
  /** Further segments that are not listed; the sums count them. */
  readonly segmentsLeftOut: number
  /** Hosts of segments that overlap in time with one of another host, by name: at most a hundred. */
  readonly hostsAtOnce: readonly string[]
  /** The times of the first and last authentic record, epoch milliseconds. */
  readonly from?: number | undefined
  readonly to?: number | undefined
  /** Records that the sink did not acknowledge, by its gap records. */
  readonly missed: number
  /**
   * In order. Of ends that were recorded and have a checkpoint, or need none, the first 10,000; of the
   * others too.
   */
  readonly unproven: readonly UnprovenTail[]
  /** Further ends. */
  readonly unprovenLeftOut: number
  /**
   * Absent: none were given. Then it is not proven that no later record was removed, nor that the
   * folder is not an older copy of itself.
   */
  readonly checkpoints?: ComparedCheckpoints | undefined
  /**
   * Whatever was written by then is there, by checkpoints, apart from ends with `recordedAt`. Epoch
   * milliseconds. Absent: there is a problem, or no checkpoint proves an end that is still open.
   */
  readonly provenUntil?: number | undefined
  /**
   * The folder's key confirms that no line is missing at the end of the index. Without the key only
   * checkpoints can.
   */
  readonly isIndexWhole: boolean
  /** Unfinished lines of the index, in order. Nothing depends on them. */
  readonly tornIndexLines: readonly TornIndexLine[]
  readonly foreign: readonly ForeignFile[]
  /** Removals of old segments by `pruneAuditFolder`, in order. */
  readonly pruned: readonly PrunedSegments[]
  /** Legal holds that began or ended, in order. */
  readonly holds: readonly HoldChange[]
  /** Names of persons that were erased, in order. */
  readonly erasures: readonly ErasedNamesMark[]
  /** The folder that was given, and those that follow it, in order. */
  readonly folders: readonly VerifiedFolder[]
  /** Absent: nothing shows that a host's clock was wrong. */
  readonly clock?: WrongClock | undefined
  /** Absent: the whole trail was read. */
  readonly range?: VerifiedRange | undefined
}

/** A folder of a trail that was rotated: names of files in it begin with its name. */
export interface VerifiedFolder {
  /** Empty for the folder that was given. */
  readonly name: string
  /** Its id. Absent: no line of its index is authentic. */
  readonly folder?: string | undefined
}

const mostProblems = 1_000
/** A job that runs each minute has half a million segments in a year. */
const mostListed = 10_000

export class VerificationReport {
  readonly problems: Problems = new Problems(mostProblems)
  readonly #segments = new BoundedList<SegmentSummary>(mostListed, ({ status }) => status === 'verified')
  readonly #unproven = new BoundedList<UnprovenTail>(mostListed, isSettled)
  readonly #sums = { records: 0, damaged: 0, missing: 0 }
  #from: number | undefined
  #to: number | undefined
  readonly #foreign: ForeignFile[] = []
  readonly #folders: VerifiedFolder[] = []
  readonly #tornLines: TornIndexLine[] = []
  readonly #pruned: PrunedSegments[] = []
  readonly #holds: HoldChange[] = []
  readonly #erasures: ErasedNamesMark[] = []
  #isIndexWhole: boolean | undefined
  #clock: WrongClock | undefined
  #writtenFrom: number | undefined
  #writtenUntil: number | undefined
  #range: VerifiedRange | undefined
  #checkpoints: Omit<ComparedCheckpoints, 'newest'> | undefined
  #newest: number | undefined
  /** The earliest last checkpoint of an end that may still change. */
  #openUntil: number | undefined
  /** Each such end has a checkpoint. */
  #isProven = true
  readonly #hosts = new HostsAtOnce()
  #missed = 0

  /** What follows is of this folder; the name is empty for the one that was given. */
  enter(name: string): void {
    this.problems.prefix = name === '' ? '' : `${name}/`
  }

  indexed({ folder, isWhole, tornLines, marks, clock, problems }: IndexFindings): void {
    this.#folders.push({ name: this.problems.prefix.slice(0, -1), folder })
    this.#isIndexWhole = isWhole && (this.#isIndexWhole ?? true)
    for (const line of tornLines) this.#tornLines.push(line)
    this.#pruned.push(...marks.prunes)
    this.#holds.push(...marks.holds)
    for (const erasure of marks.erasures) this.#erasures.push(erasure)
    this.#clock = worse(this.#clock, clock.wrong(this.#named(indexFile)))
    this.#writtenFrom = least(this.#writtenFrom, clock.earliest)
    this.#writtenUntil = most(this.#writtenUntil, clock.latest)
    this.problems.addAll(problems)
  }

  foreign(file: string, explanation: string): void {
    this.#foreign.push({ file: this.#named(file), explanation })
  }

  leftOut(segments: number): void {
    this.#range = { segmentsLeftOut: (this.#range?.segmentsLeftOut ?? 0) + segments }
  }

  compared(count: number, areSigned: boolean): void {
    this.#checkpoints = { count: (this.#checkpoints?.count ?? 0) + count, areSigned }
  }

  #named(file: string): string {
    return this.problems.prefix + file
  }

  refused({ list, count }: RefusedCheckpoints): void {
    const explanation = 'the checkpoint was not signed with the private key of `checkpointKey`'
    this.problems.addSome(
      list.map((where) => ({ what: 'edited', ...where, explanation })),
      count,
    )
  }

  verified(segment: number, path: string, found: SegmentFindings, recordedAt?: number): void {
    const { problems, ofCheckpoints, host, records, damaged, missing, missed, from, to } = found
    const [file, isDamaged] = [this.#named(basename(path)), problems.count > 0]
    this.problems.addAll(problems)
    for (const problem of ofCheckpoints) this.problems.add(problem)
    this.#missed += missed
    const status = isDamaged ? 'damaged' : 'verified'
    this.#add({ segment, file, status, records, damaged, missing, from, to, host })
    this.#hosts.add({ host, from, to })
    const { isEnded, lastLine, checkpointedAt, torn, sealedBehind } = found
    this.#newest = most(this.#newest, checkpointedAt)
    if (!isEnded && !isDamaged) this.#addEnd({ file, lastLine, provenUntil: checkpointedAt, recordedAt, torn, sealedBehind })
  }

  gone(segment: number, missing: number, mayBeCopy: boolean): void {
    const file = segmentName(segment)
    this.problems.add({ what: 'missing', file, line: 1, segment, explanation: 'the segment is gone', ...(mayBeCopy && { mayBeCopy }) })
    this.#add({ segment, file: this.#named(file), status: 'missing', records: 0, damaged: 0, missing })
  }

  /** That an absent segment never existed cannot be proven. */
  unseen(segment: number): void {
    this.#unproven.add({ file: this.#named(segmentName(segment)), lastLine: 0, torn: 0, sealedBehind: 0 })
  }

  #addEnd(end: UnprovenTail): void {
    this.#unproven.add(end)
    if (end.recordedAt !== undefined || end.lastLine <= linesOfHeader) return
    if (end.provenUntil === undefined) this.#isProven = false
    this.#openUntil = least(this.#openUntil, end.provenUntil)
  }

  #provenUntil(): number | undefined {
    return this.#newest === undefined || !this.#isProven ? undefined : least(this.#newest, this.#openUntil)
  }

  result(): AuditVerification {
    const { list, count } = this.problems
    const [writtenFrom, writtenUntil] = [this.#writtenFrom, this.#writtenUntil]
    const range = this.#range && { range: { ...this.#range, writtenFrom, writtenUntil } }
    const checkpoints = this.#checkpoints && { checkpoints: { ...this.#checkpoints, newest: this.#newest } }
    return {
      ok: count === 0,
      id: this.#folders[0]?.folder,
      problem: list[0],
      problems: list,
      problemsLeftOut: count - list.length,
      ...this.#sums,
      segments: this.#segments.list,
      segmentsLeftOut: this.#segments.leftOut,
      hostsAtOnce: this.#hosts.names(),
      from: this.#from,
      to: this.#to,
      missed: this.#missed,
      unproven: this.#unproven.list,
      unprovenLeftOut: this.#unproven.leftOut,
      ...checkpoints,
      provenUntil: count === 0 ? this.#provenUntil() : undefined,
      isIndexWhole: this.#isIndexWhole ?? false,
      tornIndexLines: this.#tornLines,
      foreign: this.#foreign,
      pruned: this.#pruned,
      holds: this.#holds,
      erasures: this.#erasures,
      folders: this.#folders,
      clock: this.#clock,
      ...range,
    }
  }

  #add(segment: SegmentSummary): void {
    this.#segments.add(segment)
    for (const member of ['records', 'damaged', 'missing'] as const) this.#sums[member] += segment[member]
    this.#from = least(this.#from, segment.from)
    this.#to = most(this.#to, segment.to)
  }
}

/** The header and its seal: a process that wrote nothing else sends no checkpoint. */
const linesOfHeader = 2

function isSettled({ recordedAt, lastLine, provenUntil, sealedBehind }: UnprovenTail): boolean {
  return recordedAt !== undefined && sealedBehind === 0 && (provenUntil !== undefined || lastLine <= linesOfHeader)
}

function worse(one: WrongClock | undefined, other: WrongClock | undefined): WrongClock | undefined {
  const weight = ({ setBackMs, aheadMs }: WrongClock): number => Math.max(setBackMs, aheadMs)
  return one === undefined || (other !== undefined && weight(other) > weight(one)) ? other : one
}

function least(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || (other !== undefined && other < one) ? other : one
}

function most(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || (other !== undefined && other > one) ? other : one
}
