import type { ErasedNamesMark, HoldChange, PrunedSegments } from '../format/prune-mark.ts'
import type { WrongClock } from '../tables/host-clock.ts'
import type { AuditProblem } from './audit-problem.ts'
import type { TornIndexLine } from './findings.ts'

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
  /** Those that nothing ended, in the order in which they began. */
  readonly holdsInForce: readonly HoldChange[]
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
