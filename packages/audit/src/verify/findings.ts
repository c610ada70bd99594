import type { EndedSegment } from '../format/index-line.ts'
import type { ChainKey, KeyBudget } from '../format/key-chain.ts'
import { asRecord, isCount } from '../format/segment-format.ts'
import type { AuditProblem, Problems } from './audit-problem.ts'
import type { SegmentCheckpoints } from './checkpoint-table.ts'

/**
 * A line of the index that was not finished: its process died while it wrote it, or is at it; or somebody added bytes that are no entry. No step was taken with
 * it and nothing depends on it.
 */
export interface CutIndexLine {
  /** The number that it would have had. */
  readonly line: number
  /** How much of it was there. */
  readonly bytes: number
  /** The process that came next said so, wrote its own line in its place, and kept it in `index-00000007.cut`, if it is line 8. `false`: it stands at the end of the index. */
  readonly isRecorded: boolean
}

/** What the authentic lines of an index say. */
export interface VerifiedIndex {
  /** `undefined`: no line is authentic. */
  readonly folder: string | undefined
  /** One more than its last step. */
  readonly length: number
  /** The key of group 0 of every segment that was opened, by step. */
  readonly opened: ReadonlyMap<number, ChainKey>
  /**
   * When each segment was opened, and when that it ended was recorded: the host's clock, epoch
   * milliseconds.
   */
  readonly times: ReadonlyMap<number, SegmentTimes>
  readonly ended: ReadonlyMap<number, EndedSegment>
  /** The hash of each line, by its step. */
  readonly digests: ReadonlyMap<number, string>
  /** Steps of which no authentic line is there: nothing tells whether they opened a segment. */
  readonly unknown: ReadonlySet<number>
  readonly cutLines: readonly CutIndexLine[]
  /** Whether the folder's key says that this is the whole index. */
  readonly isWhole: boolean
  /** The step that the folder's key is for: all before it but `unfinished` were finished, and have a segment if they opened one. Absent in a copy without it. */
  readonly keyStep: number | undefined
  /** The step before, if its opening was not finished, as the folder's key says until the next line of the index does: both are written with the same key. */
  readonly unfinished: number | undefined
  readonly problems: Problems
}

export interface SegmentTimes {
  readonly opened: number
  readonly ended?: number | undefined
}

export interface SegmentToVerify {
  readonly path: string
  /** The step that opened it. */
  readonly step: number
  /** Of group 0. */
  readonly key: ChainKey
  readonly ended: EndedSegment | undefined
  /** Of this segment, if there are any. */
  readonly checkpoints: SegmentCheckpoints | undefined
  /** How long the index is, and the hashes of its lines. */
  readonly indexLines: number
  readonly digests: ReadonlyMap<number, string>
  readonly budget: KeyBudget
}

/** What was proven of one segment. */
export interface VerifiedSegment {
  readonly records: number
  /** Records that are there and not proven. */
  readonly damaged: number
  /** Records that were written, as the index or a seal says, and are not there. */
  readonly missing: number
  /** Records that its sink did not acknowledge in time, as gap records say. */
  readonly missed: number
  readonly from: number | undefined
  readonly to: number | undefined
  readonly isEnded: boolean
  /** The number of the last line that is sealed. */
  readonly lastLine: number
  /** The time of the last checkpoint. */
  readonly checkpointedAt: number | undefined
  /** Bytes behind the last seal. */
  readonly torn: number
  /** Records in them that are sealed. */
  readonly sealedBehind: number
  /** What is wrong with the segment. */
  readonly problems: Problems
  /** What is wrong with checkpoints that speak of it. */
  readonly ofCheckpoints: readonly AuditProblem[]
}

/** How many records of a segment are proven, and what they say of their times. */
export class SegmentTally {
  records = 0
  /** Records that the sink did not acknowledge, as gap records say. */
  missed = 0
  from: number | undefined
  to: number | undefined

  /** The lines of one group, and the same as bytes. */
  add(records: number, lines: readonly Buffer[], bytes: Buffer): void {
    this.records += records
    if (records > 0) for (const line of new Set([lines[0], lines.at(-1)])) this.#note(line && timeIn(line))
    if (bytes.includes(gapMember)) for (const line of lines) this.#countMissed(line)
  }

  #note(time: number | undefined): void {
    if (time === undefined) return
    this.from = Math.min(this.from ?? time, time)
    this.to = Math.max(this.to ?? time, time)
  }

  #countMissed(line: Buffer): void {
    const missed = line.includes(gapMember) ? asRecord(line)?.missed : 0
    if (isCount(missed)) this.missed += missed
  }
}

/** In this form they are members, never text: quotes in text are escaped. */
const gapMember = Buffer.from('"operation":"gap"')
const timeMember = Buffer.from(',"time":')

/** When the record was made, without a look at the rest of it; other members follow. */
function timeIn(line: Buffer): number | undefined {
  const from = line.lastIndexOf(timeMember) + timeMember.length
  const time = Number(line.toString('latin1', from, line.indexOf(',', from)))
  return isCount(time) ? time : undefined
}
