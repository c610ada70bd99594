import type { KeyObject } from 'node:crypto'
import { unlink } from 'node:fs/promises'
import { resolve } from 'node:path'
import { configurationError, fileFailure, knownOptions, type MembersOf, SecretsError } from '@finchat/secrets-core/provider'
import { endedSegment } from '../format/end-of-segment.ts'
import { folderError, shownPath } from '../disk/folder-errors.ts'
import { syncFolder } from '../disk/fsync.ts'
import { DamagedArchive } from '../disk/gzip-file.ts'
import type { EndedSegment, IndexEntry } from '../format/index-line.ts'
import { countsOf, coveredBy, type HoldChange, mostExceptions, mostReasonLength, signedPrune } from '../format/prune-mark.ts'
import { eachSegmentFile, stepOfName } from '../format/segment-files.ts'
import { type Signer, signerOf } from '../keys/signature.ts'
import { assertFolder } from '../record/errors.ts'
import { advanceEpoch, type Marks } from '../file/next-epoch.ts'
import { foldersOf, HoldWatch, longestGapMs } from './pruned-folders.ts'
import { readRecordedIndex, type RecordedIndex } from './recorded-index.ts'
import { assertNotHeld, underHold } from './under-hold.ts'
import { whileDeciding, whileRemoving } from './retention-locks.ts'

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
  /**
   * `true`: removes segments although the trail has a gap of more than 31 days since then. Without
   * it that is refused: a clock that was set ahead leaves the same. Default: false.
   */
  readonly acceptGap?: boolean | undefined
}

/** What was removed. */
export interface PruneAuditReport {
  /** Segments that the new mark covers, and their records. */
  readonly segments: number
  readonly records: number
  /** Files that were removed, also those that an interrupted run left or that were brought back. */
  readonly files: number
  /**
   * Old segments that stay, since they are damaged or gone: each verification reports them. Their
   * numbers, behind the name of a folder within the first one: `3`, `2026-12-01/3`.
   */
  readonly kept: readonly string[]
}

/**
 * Removes old segments of a trail, also while processes write to it. First appends a mark to the
 * index: how many segments and records, their hash, and why. Then the trail still verifies, and a
 * segment that is brought back from an archive verifies as well. An interrupted run is finished by
 * the next. Prunes the folders within this one too. Throws `CONFIGURATION` for invalid options, if the
 * clock may be ahead, and under a hold: one that begins meanwhile ends it before the next files go. Throws `AUDIT_FAILED` if a folder cannot be read or written,
 * and `INTEGRITY` if its index is not as it was left.
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
  const { before, reason, signingKey, acceptGap = false } = knownOptions(options, members)
  assertFolder(folder)
  assertReason(reason)
  if (!Number.isSafeInteger(before) || before < 0 || before > Date.now())
    throw configurationError('`before` is not a time in the past', 'pass epoch milliseconds, such as Date.now() - 400 * 86_400_000')
  const sign = signingKey === undefined ? undefined : signerOf('signingKey', signingKey)
  const root = resolve(folder)
  try {
    return await prunedTrail(root, { before, reason, sign }, acceptGap)
  } catch (error) {
    throw folderError(error, root)
  }
}

const members: MembersOf<PruneAuditOptions> = { before: 'any', reason: 'any', signingKey: 'any', acceptGap: 'boolean' }

async function prunedTrail(root: string, order: Order, acceptGap: boolean): Promise<PruneAuditReport> {
  const folders = foldersOf(root)
  const holds = new HoldWatch(root)
  await assertNotHeld(root, holds)
  const gapMs = await longestGapMs(folders, order.before)
  if (gapMs > mostGapMs && !acceptGap) throw mayBeAhead(gapMs)
  let sum: PruneAuditReport = { segments: 0, records: 0, files: 0, kept: [] }
  for (const { path, name } of folders) {
    const { kept, ...more } = await new Pruning(root, path, order, holds).run()
    const named = kept.map((step) => (name === '' ? `${step}` : `${name}/${step}`))
    sum = {
      segments: sum.segments + more.segments,
      records: sum.records + more.records,
      files: sum.files + more.files,
      kept: [...sum.kept, ...named],
    }
  }
  return sum
}

/** Throws `CONFIGURATION` for anything but a short text. */
export function assertReason(reason: unknown): asserts reason is string {
  if (typeof reason === 'string' && reason.trim() !== '' && reason.length <= mostReasonLength && reason.isWellFormed()) return
  throw configurationError('`reason` is not a text of 1 to 1,000 characters', 'name the policy that asks for it, for the auditor')
}

type Counts = ReturnType<typeof countsOf>

const dayMs = 86_400_000
/** A clock that was set ahead makes records old that are not, by this at most. */
const mostGapMs = 31 * dayMs

/** Another process may write a line between the reading of the index and the mark. */
const mostTries = 5

interface Order {
  readonly before: number
  readonly reason: string
  readonly sign: Signer | undefined
}

interface PrunedFolder {
  readonly segments: number
  readonly records: number
  readonly files: number
  readonly kept: readonly number[]
}

/** Files that are removed before a hold is looked for again: a few milliseconds. */
const filesAtOnce = 64

class Pruning {
  readonly #root: string
  readonly #folder: string
  readonly #order: Order
  readonly #holds: HoldWatch
  /** Segments whose files were read, and whether they are as the index says. */
  readonly #wholeness = new Map<number, boolean>()

  constructor(root: string, folder: string, order: Order, holds: HoldWatch) {
    this.#root = root
    this.#folder = folder
    this.#order = order
    this.#holds = holds
  }

  async run(): Promise<PrunedFolder> {
    for (let tries = 1; tries <= mostTries; tries++) {
      const index = await readRecordedIndex(this.#folder)
      const now = Date.now()
      const kept = await this.#damagedOf(this.#coveredAt(now, index, []))
      const counts = countsOf(this.#coveredAt(now, index, kept))
      const isRecorded = await whileDeciding(this.#root, async () => {
        await assertNotHeld(this.#root, this.#holds)
        return counts.segments === 0 || this.#mark(index, counts, kept)
      })
      if (!isRecorded) continue
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
    let [files, next]: [number, string[]] = [0, []]
    for await (const { path, header, isFile } of eachSegmentFile(this.#folder)) {
      const step = header?.folder === folder ? header.step : stepOfName(path)
      if (!isFile || step === undefined || !steps.has(step)) continue
      next.push(path)
      if (next.length < filesAtOnce) continue
      files += await this.#removeUnlessHeld(next, files)
      next = []
    }
    if (next.length > 0) files += await this.#removeUnlessHeld(next, files)
    if (files > 0) await syncFolder(this.#folder)
    return files
  }

  /** Another run may remove the same at once. */
  async #removeUnlessHeld(paths: readonly string[], before: number): Promise<number> {
    return whileRemoving(this.#root, async () => {
      const held = await this.#holds.held()
      if (held.length > 0) throw heldMeanwhile(this.#folder, held, before)
      const removed = await Promise.all(paths.map((path) => unlink(path).then(() => 1, unlessMissing)))
      return removed.reduce((sum, count) => sum + count, 0)
    })
  }
}

/** Never leaves this file. */
class IndexGrew extends Error {}

async function isAsRecorded(folder: string, { step, bytes, records, seals }: EndedSegment): Promise<boolean> {
  try {
    const found = await endedSegment(folder, step)
    return found.bytes === bytes && found.records === records && found.seals === seals
  } catch (error) {
    // Another removal may take it away meanwhile: the index has grown then, and is read again.
    if (error instanceof DamagedArchive || fileFailure(error) === 'missing') return false
    throw error
  }
}

function unlessMissing(error: unknown): number {
  if (fileFailure(error) === 'missing') return 0
  throw error
}

function heldMeanwhile(folder: string, held: readonly HoldChange[], files: number): SecretsError {
  const { message } = underHold(folder, held)
  return new SecretsError('CONFIGURATION', `${message}, which began after ${files} files were removed from it`, {
    remedy: 'leave the others where they are; end the hold by releaseAuditFolder, once it is over, and prune again',
  })
}

function mayBeAhead(gapMs: number): SecretsError {
  const days = Math.floor(gapMs / dayMs)
  return new SecretsError('CONFIGURATION', `nothing was written to the trail for ${days} days since \`before\`, or the clock is ahead`, {
    remedy: 'correct the clock of this host; if the trail was not used for so long, pass acceptGap: true',
  })
}

function tooDamaged(folder: string): SecretsError {
  return new SecretsError('INTEGRITY', `more than ${mostExceptions} old segments of ${shownPath(folder)} are damaged or gone`, {
    remedy: 'verify the folder first; keep it as it is, for the auditor',
  })
}
