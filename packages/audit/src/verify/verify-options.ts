import { mostSkewMs } from '../tables/host-clock.ts'
import type { KeyObject } from 'node:crypto'
import { configurationError, knownOptions, type MembersOf } from '@finchat/secrets-core/provider'
import type { CheckpointSource } from '../checkpoints/checkpoint-reader.ts'
import { signatureVerifier, type SignatureVerifier } from '../keys/signature.ts'
import { parsedStartKey, type StartKey } from '../keys/start-key.ts'
import { assertFolder } from '../record/errors.ts'
import type { SegmentTimes } from '../format/index-table.ts'

/** What `verifyAuditTrail` takes. */
export interface VerifyAuditOptions {
  /**
   * The folder's first key, as `initAuditFolder` returned it, or one that `deriveAuditKey` made of it.
   * Bytes are copied, and the copies
   * overwritten after the verification; a string stays in memory.
   */
  readonly key: string | Uint8Array
  /**
   * Where the checkpoints are: a file, a folder of files, or the lines. Without them, ends that no
   * process recorded are unproven, and a whole folder that was set back goes unnoticed. Throws if
   * none is of this folder, unless no used segment has ended. They are read as a stream. If there are
   * more than 16,384, the last of each segment is compared, and up to 63 others, spread evenly. Pass
   * all of them, not only the last.
   */
  readonly checkpoint?: string | readonly string[] | undefined
  /**
   * The public key of `checkpoints.signingKey`, as PEM or a `KeyObject`. Then only checkpoints that
   * it signed count, and the auditor's key alone can forge none.
   */
  readonly checkpointKey?: string | KeyObject | undefined
  /**
   * The public key of `signingKey` of `pruneAuditFolder`, as PEM or a `KeyObject`. Then segments
   * whose removal it did not sign are missing.
   */
  readonly pruneKey?: string | KeyObject | undefined
  /**
   * Verifies this folder alone, and none that follow it. Default: false; `segments` are of this folder
   * alone.
   */
  readonly alone?: boolean | undefined
  /** Verifies the index and these segments only, by number. */
  readonly segments?: { readonly first?: number | undefined; readonly last?: number | undefined } | undefined
  /**
   * Verifies the index and the segments that were written to between `from` and `until`, epoch
   * milliseconds. Takes an hour more on both sides, by the host's clock, and whole segments.
   */
  readonly from?: number | undefined
  readonly until?: number | undefined
}

export interface CheckedVerifyOptions {
  readonly start: StartKey
  readonly checkpoint: CheckpointSource | undefined
  readonly verifier: SignatureVerifier | undefined
  readonly pruneVerifier: SignatureVerifier | undefined
  readonly isAlone: boolean
  /** Absent: every segment. */
  readonly isAskedFor: ((step: number, times: SegmentTimes | undefined) => boolean) | undefined
}

const members: MembersOf<VerifyAuditOptions> = {
  key: 'any',
  checkpoint: 'any',
  checkpointKey: 'any',
  pruneKey: 'any',
  alone: 'boolean',
  segments: 'any',
  from: 'any',
  until: 'any',
}

/** Throws `CONFIGURATION` for invalid options. */
export function checkedVerifyOptions(folder: string, options: VerifyAuditOptions): CheckedVerifyOptions {
  const { key, checkpoint, checkpointKey, pruneKey, alone = false, segments, from, until } = knownOptions(options, members)
  assertFolder(folder)
  if (checkpoint !== undefined && !isSource(checkpoint))
    throw configurationError('`checkpoint` is neither a path nor lines', 'leave it out, or name where the checkpoints are')
  if (checkpointKey !== undefined && checkpoint === undefined)
    throw configurationError('`checkpointKey` is given without `checkpoint`', 'name where the checkpoints are')
  const verifier = checkpointKey === undefined ? undefined : signatureVerifier('checkpointKey', checkpointKey)
  const pruneVerifier = pruneKey === undefined ? undefined : signatureVerifier('pruneKey', pruneKey)
  const [first, last] = checkedSegments(segments)
  const [begin, end] = [checkedTime('from', from) ?? -Infinity, checkedTime('until', until) ?? Infinity]
  if (begin >= end) throw configurationError('`from` is not before `until`', 'name a time range, epoch milliseconds')
  const isWhole = segments === undefined && from === undefined && until === undefined
  const isAskedFor = (step: number, times: SegmentTimes | undefined): boolean =>
    first <= step && step <= last && (times?.opened ?? -Infinity) < end + mostSkewMs && (times?.ended ?? Infinity) >= begin - mostSkewMs
  const isAlone = alone || segments !== undefined
  return { start: parsedStartKey(key), checkpoint, verifier, pruneVerifier, isAlone, isAskedFor: isWhole ? undefined : isAskedFor }
}

function checkedSegments(segments: VerifyAuditOptions['segments']): readonly [first: number, last: number] {
  if (segments === undefined) return [0, Infinity]
  if (typeof segments !== 'object' || segments === null)
    throw configurationError('`segments` is not a range', 'pass { first: 1, last: 12 }')
  const { first = 0, last = Infinity } = knownOptions(segments, { first: 'number', last: 'number' })
  if (first <= last && first >= 0) return [first, last]
  throw configurationError(
    '`segments` is not a range',
    'pass numbers as they stand in the names of segments, such as { first: 1, last: 12 }',
  )
}

function checkedTime(name: string, time: unknown): number | undefined {
  if (time === undefined || (typeof time === 'number' && !Number.isNaN(time))) return time
  throw configurationError(`\`${name}\` is not a time`, "pass epoch milliseconds, such as Date.parse('2026-11-01')")
}

function isSource(checkpoint: unknown): boolean {
  if (Array.isArray(checkpoint)) return checkpoint.every((line) => typeof line === 'string')
  return typeof checkpoint === 'string' && checkpoint !== ''
}
