import type { KeyObject } from 'node:crypto'
import { SecretsError } from '@finchat/secrets-core'
import { knownOptions, type MembersOf } from '@finchat/secrets-core/provider'
import type { CheckpointSource } from './checkpoint-reader.ts'
import { type CheckpointVerifier, checkpointVerifier } from '../format/checkpoint-signature.ts'
import { type ChainKey, parsedKey } from '../format/key-chain.ts'
import type { SegmentTimes } from './findings.ts'

/** What `verifyAuditTrail` takes. */
export interface VerifyAuditOptions {
  /**
   * The folder's first key, which `initAuditFolder` returned. Bytes are copied, and every copy is
   * overwritten when the verification is over; of a string nobody can say when it is gone.
   */
  readonly key: string | Uint8Array
  /**
   * Where the checkpoints are: a file, a folder of files, or the lines; one of this folder must be
   * among them, once a segment of it was used and has ended. Without them the end of what no
   * process ended is unproven, and a whole folder that was put back to how it once was is not
   * found. Each is held until the verification ends: a million take some 160 MB. One that speaks of
   * what is not there counts if it was signed, for which a million keys are made at most (four
   * seconds): further behind the end it is a problem itself. Give all of them and not the last
   * alone, and none of ours is.
   */
  readonly checkpoint?: string | readonly string[] | undefined
  /**
   * The public key of `checkpoints.signingKey`, as PEM or a `KeyObject`: then a checkpoint counts only
   * if it was signed with that, and whoever has nothing but `key` can forge none. A million of them
   * take two minutes.
   */
  readonly checkpointKey?: string | KeyObject | undefined
  /**
   * Looks at segments from and to these numbers alone, and at the index. `first` alone: all from
   * there on. Of the others nothing is known then.
   */
  readonly segments?: { readonly first?: number | undefined; readonly last?: number | undefined } | undefined
  /**
   * Looks at segments alone that were written to in this time, epoch milliseconds, by the host's
   * clock and with an hour to spare: `from` on, and before `until`. Whole segments are verified,
   * with records from before and after that.
   */
  readonly from?: number | undefined
  readonly until?: number | undefined
}

export interface CheckedVerifyOptions {
  readonly key: ChainKey
  readonly checkpoint: CheckpointSource | undefined
  readonly verifier: CheckpointVerifier | undefined
  /** Whether the segment is to be looked at. Absent: all are. */
  readonly isAskedFor: ((step: number, times: SegmentTimes | undefined) => boolean) | undefined
}

const members: MembersOf<VerifyAuditOptions> = {
  key: 'any',
  checkpoint: 'any',
  checkpointKey: 'any',
  segments: 'any',
  from: 'any',
  until: 'any',
}

/**
 * A record bears the time of its event, and may come to its segment later; and a host's clock may
 * be put back.
 */
const spareMs = 3_600_000

/** Throws `CONFIGURATION` for every option that makes no sense. */
export function checkedVerifyOptions(folder: string, options: VerifyAuditOptions): CheckedVerifyOptions {
  const { key, checkpoint, checkpointKey, segments, from, until } = knownOptions(options, members)
  if (typeof folder !== 'string' || folder === '') throw misused('`folder` is no path', 'name a folder')
  if (checkpoint !== undefined && !isSource(checkpoint))
    throw misused('`checkpoint` is neither a path nor lines', 'leave it out, or name where the checkpoints are')
  if (checkpointKey !== undefined && checkpoint === undefined)
    throw misused('`checkpointKey` is given without `checkpoint`', 'name where the checkpoints are')
  const verifier = checkpointKey === undefined ? undefined : checkpointVerifier(checkpointKey)
  const [first, last] = checkedSegments(segments)
  const [begin, end] = [checkedTime('from', from) ?? -Infinity, checkedTime('until', until) ?? Infinity]
  if (begin >= end) throw misused('`from` is not before `until`', 'name a time range, epoch milliseconds')
  const isWhole = segments === undefined && from === undefined && until === undefined
  const isAskedFor = (step: number, times: SegmentTimes | undefined): boolean =>
    first <= step && step <= last && (times?.opened ?? -Infinity) < end + spareMs && (times?.ended ?? Infinity) >= begin - spareMs
  return { key: parsedKey(key), checkpoint, verifier, isAskedFor: isWhole ? undefined : isAskedFor }
}

function checkedSegments(segments: VerifyAuditOptions['segments']): readonly [first: number, last: number] {
  if (segments === undefined) return [0, Infinity]
  if (typeof segments !== 'object' || segments === null) throw misused('`segments` is no range', 'pass { first: 1, last: 12 }')
  const { first = 0, last = Infinity } = knownOptions(segments, { first: 'number', last: 'number' })
  if (first <= last && first >= 0) return [first, last]
  throw misused('`segments` is no range', 'pass numbers as they stand in the names of segments, such as { first: 1, last: 12 }')
}

function checkedTime(name: string, time: unknown): number | undefined {
  if (time === undefined || (typeof time === 'number' && !Number.isNaN(time))) return time
  throw misused(`\`${name}\` is no time`, "pass epoch milliseconds, such as Date.parse('2026-11-01')")
}

function isSource(checkpoint: unknown): boolean {
  if (Array.isArray(checkpoint)) return checkpoint.every((line) => typeof line === 'string')
  return typeof checkpoint === 'string' && checkpoint !== ''
}

function misused(problem: string, remedy: string): SecretsError {
  return new SecretsError('CONFIGURATION', problem, { remedy })
}
