import type { Problems } from './audit-problem.ts'
import type { EndedSegment } from '../format/index-line.ts'
import type { ChainKey } from '../format/key-chain.ts'

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
