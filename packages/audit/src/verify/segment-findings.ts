import type { AuditProblem, Problems } from './audit-problem.ts'
import type { EndedSegment } from '../format/index-line.ts'
import type { SegmentCheckpoints } from './checkpoint-table.ts'
import type { ChainKey, KeyBudget } from '../format/key-chain.ts'

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
