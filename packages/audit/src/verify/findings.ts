import type { EndedSegment } from '../format/index-line.ts'
import type { ChainKey, KeyBudget } from '../keys/key-chain.ts'
import type { StartKey } from '../keys/start-key.ts'
import type { IndexTable } from '../format/index-table.ts'
import { asRecord, isCount } from '../format/segment-format.ts'
import type { StepSet } from '../tables/step-set.ts'
import type { AuditProblem, Problems } from './audit-problem.ts'
import type { HostClock } from '../tables/host-clock.ts'
import type { IndexMarks } from '../format/prune-mark.ts'
import type { SegmentCheckpoints } from '../checkpoints/checkpoint-table.ts'
import type { LineDigests } from '../tables/line-digests.ts'

/**
 * An unfinished line of the index: its process died while writing it, or is writing it, or someone
 * added bytes. Its epoch never happened.
 */
export interface TornIndexLine {
  /** The number that it would have had. */
  readonly line: number
  /** Its length. */
  readonly bytes: number
  /**
   * The next process overwrote it and recorded its length. `false`: it stands at the end of the
   * index.
   */
  readonly isRecorded: boolean
}

/** What the authentic lines of an index say. */
export interface IndexFindings {
  /** `undefined`: no line is authentic. */
  readonly folder: string | undefined
  /** One more than the last epoch. */
  readonly length: number
  /** Segments that the given key verifies. */
  readonly opened: StepSet
  /** When segments were opened, and how and when they ended. */
  readonly table: IndexTable
  readonly digests: LineDigests
  /** Epochs without an authentic line: they may have opened a segment. */
  readonly unknown: StepSet
  readonly tornLines: readonly TornIndexLine[]
  /** The folder's key confirms that no line is missing at the end. */
  readonly isWhole: boolean
  /**
   * The epoch that the folder's key is for. All before it but `unfinished` have the segments they
   * opened. Absent in a copy without the key.
   */
  readonly keyStep: number | undefined
  /** The epoch before, if its segment was never used and the index does not say so yet. */
  readonly unfinished: number | undefined
  /** Segments before the first that the given key verifies. */
  readonly earlier: StepSet
  /** Removals of old segments, and legal holds. */
  readonly marks: Pick<IndexMarks, 'pruned' | 'prunes' | 'forbidden' | 'holds' | 'erasures'>
  /** The clocks of the hosts, by the times of the lines. */
  readonly clock: HostClock
  /** Where the trail goes on. */
  readonly successor: FoundSuccessor | undefined
  readonly problems: Problems
}

/** The folder that a line of the index names. */
export interface FoundSuccessor {
  readonly name: string
  /** Its first key, for the caller to overwrite. */
  readonly start: StartKey
  /** The hash of the line that names it. */
  readonly digest: string
  /** The folder's key was not yet replaced: a process makes it, or died in that. */
  readonly isBeingMade: boolean
}

export interface SegmentToVerify {
  readonly path: string
  /** The epoch that opened it. */
  readonly step: number
  /** The key of group 0. */
  readonly key: ChainKey
  readonly ended: EndedSegment | undefined
  readonly checkpoints: SegmentCheckpoints | undefined
  /** The length of the index, and the hashes of its lines. */
  readonly indexLines: number
  readonly digests: LineDigests
  readonly budget: KeyBudget
}

/** What was proven of one segment. */
export interface SegmentFindings {
  /** By its header; `undefined` if that is damaged. */
  readonly host: string | undefined
  readonly records: number
  /** Records that exist unproven. */
  readonly damaged: number
  /** Records that were written, by the index or a seal, and are gone. */
  readonly missing: number
  /** Records that the sink did not acknowledge, by gap records. */
  readonly missed: number
  readonly from: number | undefined
  readonly to: number | undefined
  readonly isEnded: boolean
  /** The number of the last sealed line. */
  readonly lastLine: number
  /** The time of the last checkpoint. */
  readonly checkpointedAt: number | undefined
  /** Bytes behind the last seal. */
  readonly torn: number
  /** Sealed records in them. */
  readonly sealedBehind: number
  /** Problems of the segment. */
  readonly problems: Problems
  /** Problems of checkpoints about it. */
  readonly ofCheckpoints: readonly AuditProblem[]
}

/** Counts the proven records of a segment. */
export class SegmentTally {
  records = 0
  /** Records that the sink did not acknowledge. */
  missed = 0
  host: string | undefined
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

/** Never matches text, whose quotes are escaped. */
const gapMember = Buffer.from('"operation":"gap"')
const timeMember = Buffer.from(',"time":')

/** Finds the time without parsing the record. */
function timeIn(line: Buffer): number | undefined {
  const from = line.lastIndexOf(timeMember) + timeMember.length
  const time = Number(line.toString('latin1', from, line.indexOf(',', from)))
  return isCount(time) ? time : undefined
}
