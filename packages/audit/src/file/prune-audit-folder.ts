import type { KeyObject } from 'node:crypto'
import { unlink } from 'node:fs/promises'
import { resolve } from 'node:path'
import { configurationError, knownOptions, SecretsError } from '@finchat/secrets-core/provider'
import { endedSegment } from '../format/end-of-segment.ts'
import { folderError, shownPath } from '../format/folder-errors.ts'
import { syncFolder } from '../format/fsync.ts'
import { DamagedArchive } from '../format/gzip-file.ts'
import type { EndedSegment, IndexEntry } from '../format/index-line.ts'
import { countsOf, coveredBy, mostExceptions, mostReasonLength, signedPrune } from '../format/prune-mark.ts'
import { eachSegmentFile, stepOfName } from '../format/segment-files.ts'
import { type Signer, signerOf } from '../keys/signature.ts'
import { assertFolder } from '../record/errors.ts'
import { advanceEpoch, type Marks } from './next-epoch.ts'
import { readRecordedIndex, type RecordedIndex } from './recorded-index.ts'

/** What `pruneAuditFolder` takes. */
export interface PruneAuditOptions {
  /** Removes segments that ended before this time, epoch milliseconds. All their records are older. */
  readonly before: number
  /** The policy, for the auditor: `retention of 400 days`. Not a secret; at most 1,000 characters. */
  readonly reason: string
  /**
   * A private Ed25519 key, as PEM or a `KeyObject`, that the host does not keep. Without it, whoever
   * can write to the folder can prune it too, and a verification says so.
   */
  readonly signingKey?: string | KeyObject | undefined
}

/** What was removed. */
export interface PruneAuditReport {
  /** Segments that the new mark covers, and their records. */
  readonly segments: number
  readonly records: number
  /** Files that were removed, also those that an interrupted run left or that were brought back. */
  readonly files: number
  /** Old segments that stay, since they are damaged or gone: each verification reports them. */
  readonly kept: readonly number[]
}

/**
 * Removes old segments of a trail, also while processes write to it. First appends a mark to the
 * index: how many segments and records, their hash, and why. Then the trail still verifies, and a
 * segment that is brought back from an archive verifies as well. An interrupted run is finished by
 * the next. Throws `CONFIGURATION` for invalid options and under a hold, `AUDIT_FAILED` if the
 * folder cannot be read or written, and `INTEGRITY` if its index is not as it was left.
 *
 * @example
 * import { initAuditFolder, verifyAuditTrail } from '@finchat/secrets-audit'
 * import { pruneAuditFolder } from '@finchat/secrets-audit/folder'
 *
 * const { key } = await initAuditFolder('kept-for-a-year')
 * const before = Date.now() - 365 * 86_400_000
 * const { segments } = await pruneAuditFolder('kept-for-a-year', { before, reason: 'retention of one year' })
 * const { ok } = await verifyAuditTrail('kept-for-a-year', { key })
 * console.log(segments, ok) // 0 true
 */
export async function pruneAuditFolder(folder: string, options: PruneAuditOptions): Promise<PruneAuditReport> {
  const { before, reason, signingKey } = knownOptions(options, { before: 'any', reason: 'any', signingKey: 'any' })
  assertFolder(folder)
  assertReason(reason)
  if (!Number.isSafeInteger(before) || before < 0 || before > Date.now())
    throw configurationError('`before` is not a time in the past', 'pass epoch milliseconds, such as Date.now() - 400 * 86_400_000')
  const sign = signingKey === undefined ? undefined : signerOf('signingKey', signingKey)
  const path = resolve(folder)
  try {
    return await new Pruning(path, { before, reason, sign }).run()
  } catch (error) {
    throw folderError(error, path)
  }
}

/** Throws `CONFIGURATION` for anything but a short text. */
export function assertReason(reason: unknown): asserts reason is string {
  if (typeof reason === 'string' && reason.trim() !== '' && reason.length <= mostReasonLength && reason.isWellFormed()) return
  throw configurationError('`reason` is not a text of 1 to 1,000 characters', 'name the policy that asks for it, for the auditor')
}

type Counts = ReturnType<typeof countsOf>

/** Another process may write a line between the reading of the index and the mark. */
const mostTries = 5

interface Order {
  readonly before: number
  readonly reason: string
  readonly sign: Signer | undefined
}

class Pruning {
  readonly #folder: string
  readonly #order: Order
  /** Segments whose files were read, and whether they are as the index says. */
  readonly #wholeness = new Map<number, boolean>()

  constructor(folder: string, order: Order) {
    this.#folder = folder
    this.#order = order
  }

  async run(): Promise<PruneAuditReport> {
    for (let tries = 1; tries <= mostTries; tries++) {
      const index = await readRecordedIndex(this.#folder)
      if (index.isHeld) throw held(this.#folder)
      const now = Date.now()
      const kept = await this.#damagedOf(this.#coveredAt(now, index, []))
      const counts = countsOf(this.#coveredAt(now, index, kept))
      if (counts.segments > 0 && !(await this.#mark(index, counts, kept))) continue
      const files = await this.#remove(index, this.#coveredAt(now, index, kept))
      return { segments: counts.segments, records: counts.records, files, kept }
    }
    throw new SecretsError('AUDIT_FAILED', `processes wrote to the index of ${shownPath(this.#folder)} whenever it was read`, {
      remedy: 'run it again when fewer processes start and end',
    })
  }

  #coveredAt(now: number, { table, pruned }: RecordedIndex, except: readonly number[]): Generator<EndedSegment> {
    return coveredBy({ endedBefore: this.#order.before, except }, table, now, pruned)
  }

  /** The host cannot verify them, but it knows the hash of each as it ended. */
  async #damagedOf(segments: Iterable<EndedSegment>): Promise<readonly number[]> {
    const damaged: number[] = []
    for (const segment of segments) {
      const isWhole = this.#wholeness.get(segment.step) ?? (await isAsRecorded(this.#folder, segment))
      this.#wholeness.set(segment.step, isWhole)
      if (!isWhole) damaged.push(segment.step)
      if (damaged.length > mostExceptions) throw tooDamaged(this.#folder)
    }
    return damaged
  }

  /** `false` if the index has lines that were not read, or the clock was set. */
  async #mark(index: RecordedIndex, counts: Counts, except: readonly number[]): Promise<boolean> {
    const { before: endedBefore, reason, sign } = this.#order
    const mark = (line: IndexEntry): Marks => {
      if (line.step !== index.step + 1 || countsOf(this.#coveredAt(line.time, index, except)).seals !== counts.seals) throw new IndexGrew()
      const pruned = { endedBefore, except, reason, ...counts }
      const signature = sign?.(Buffer.from(signedPrune(line, pruned))).toString('base64url')
      return { pruned: { ...pruned, ...(signature !== undefined && { signature }) } }
    }
    try {
      await advanceEpoch(this.#folder, { ended: [], mostLooks: 0, mark })
      return true
    } catch (error) {
      if (error instanceof IndexGrew) return false
      throw error
    }
  }

  /** Also what earlier marks cover: an interrupted run left it, or somebody brought it back. */
  async #remove({ folder, pruned: steps }: RecordedIndex, covered: Iterable<EndedSegment>): Promise<number> {
    for (const { step } of covered) steps.add(step)
    let files = 0
    for await (const { path, header, isFile } of eachSegmentFile(this.#folder)) {
      const step = header?.folder === folder ? header.step : stepOfName(path)
      if (!isFile || step === undefined || !steps.has(step)) continue
      await unlink(path)
      files++
    }
    if (files > 0) await syncFolder(this.#folder)
    return files
  }
}

/** Never leaves this file. */
class IndexGrew extends Error {}

async function isAsRecorded(folder: string, { step, bytes, records, seals }: EndedSegment): Promise<boolean> {
  try {
    const found = await endedSegment(folder, step)
    return found.bytes === bytes && found.records === records && found.seals === seals
  } catch (error) {
    if (error instanceof DamagedArchive) return false
    throw error
  }
}

function held(folder: string): SecretsError {
  return new SecretsError('CONFIGURATION', `the folder ${shownPath(folder)} of the audit trail is under a legal hold`, {
    remedy: 'end the hold by releaseAuditFolder, once it is over',
  })
}

function tooDamaged(folder: string): SecretsError {
  return new SecretsError('INTEGRITY', `more than ${mostExceptions} old segments of ${shownPath(folder)} are damaged or gone`, {
    remedy: 'verify the folder first; keep it as it is, for the auditor',
  })
}
