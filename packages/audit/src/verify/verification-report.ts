import { basename } from 'node:path'
import type { RefusedCheckpoints } from '../checkpoints/checkpoint-table.ts'
import { BoundedList } from '../tables/bounded-list.ts'
import { Problems, removedUnderHold } from './audit-problem.ts'
import type {
  AuditVerification,
  ComparedCheckpoints,
  ForeignFile,
  SegmentSummary,
  UnprovenTail,
  VerifiedFolder,
  VerifiedRange,
} from './audit-verification.ts'
import { segmentName } from '../format/end-of-segment.ts'
import { indexFile } from '../format/segment-reader.ts'
import { inForce, LegalHolds } from '../format/legal-holds.ts'
import type { ErasedNamesMark, PrunedSegments } from '../format/prune-mark.ts'
import type { IndexFindings, SegmentFindings, TornIndexLine } from './findings.ts'
import type { WrongClock } from '../tables/host-clock.ts'
import { HostsAtOnce } from '../tables/hosts-at-once.ts'

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
  readonly #legalHolds = new LegalHolds()
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
    this.#legalHolds.add(this.problems.prefix.slice(0, -1), marks)
    for (const erasure of marks.erasures) this.#erasures.push(erasure)
    this.#clock = worse(this.#clock, clock.wrong(this.#named(indexFile)))
    this.#writtenFrom = least(this.#writtenFrom, clock.earliest)
    this.#writtenUntil = most(this.#writtenUntil, clock.latest)
    this.problems.addAll(problems)
  }

  /** To be called once all folders of a trail were verified: a later one may have ended a hold. */
  judgeHolds(): void {
    for (const broken of this.#legalHolds.broken()) {
      this.enter(broken.name)
      this.problems.add(removedUnderHold(broken))
    }
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

  get hasCheckpoints(): boolean {
    return (this.#checkpoints?.count ?? 0) > 0
  }

  /** No checkpoint shows whether later lines of this folder's index were removed, with their segments. */
  unchecked(lines: number): void {
    this.#addEnd({ file: this.#named(indexFile), lastLine: lines, torn: 0, sealedBehind: 0 })
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
      holds: this.#legalHolds.changes,
      holdsInForce: inForce(this.#legalHolds.changes),
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
