import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { SecretsError } from '@finchat/secrets-core/provider'
import { ProblemFound } from './audit-problem.ts'
import { type AuditVerification, VerificationReport } from './verification-report.ts'
import { checkpointsIn, noneOfThisFolder } from './checkpoint-reader.ts'
import { segmentName } from '../format/end-of-segment.ts'
import { folderError } from '../format/folder-errors.ts'
import type { SegmentCheckpoints } from './checkpoint-table.ts'
import { KeyBudget } from '../keys/key-chain.ts'
import type { StartKey } from '../keys/start-key.ts'
import { keyFile, type KeyState, readKey } from '../format/folder-key.ts'
import { segmentFiles } from '../format/segment-files.ts'
import { isRegularFile, type SegmentGroup } from '../format/segment-reader.ts'
import { checkpointBeyond, checkpointBeyondIndex } from './checkpoint-signatures.ts'
import { type FoundSegment, segmentsFound } from './find-segments.ts'
import type { IndexFindings } from './findings.ts'
import { indexTruncated, verifyIndex } from './verify-index.ts'
import { SegmentVerification } from './verify-segment.ts'
import type { CheckedVerifyOptions } from './verify-options.ts'

interface ToVerify {
  readonly segments: readonly FoundSegment[]
  /** The newest segment that is there. */
  readonly newest: number
  readonly index: IndexFindings
  readonly checkpoints: ReadonlyMap<number, SegmentCheckpoints>
}

/** Verifies a trail while its groups are read, once. */
export class TrailVerification {
  readonly #folder: string
  readonly #options: CheckedVerifyOptions
  readonly #report = new VerificationReport()
  readonly #budget = new KeyBudget()
  #digests: ReadonlyMap<number, string> = new Map()

  constructor(folder: string, options: CheckedVerifyOptions) {
    this.#options = options
    this.#folder = folder
  }

  /** The authentic groups, in order. Overwrites the keys that it derived; the caller overwrites the first. */
  async *groups(): AsyncGenerator<SegmentGroup> {
    try {
      const { segments, ...known } = await this.#read()
      for (const segment of this.#askedFor(segments, known.index)) yield* this.#verified(segment, known)
    } catch (error) {
      throw folderError(error, this.#folder)
    } finally {
      this.#budget.wipe()
    }
  }

  /** The hash of each authentic line of the index, once groups were read. */
  get digests(): ReadonlyMap<number, string> {
    return this.#digests
  }

  /** Complete once the groups were read to their end. */
  result(): AuditVerification {
    return this.#report.result()
  }

  /** In this order, concurrent writes cannot look like tampering. */
  async #read(): Promise<ToVerify> {
    const [folder, { start, checkpoint, verifier, pruneVerifier }] = [this.#folder, this.#options]
    const [files, state, held] = [await segmentFiles(folder), await this.#keyState(), await checkpointsIn(checkpoint ?? [], verifier)]
    const index = await verifyIndex(folder, start, state, this.#budget, pruneVerifier)
    this.#report.indexed(index)
    this.#digests = index.digests
    const id = index.folder ?? ''
    const [checkpoints, refused] = [held.of(id), held.refusedOf(id)]
    if (checkpoint !== undefined) this.#report.compared(sumOf(checkpoints), verifier !== undefined)
    this.#report.problems.addAll(refused)
    if (checkpoint !== undefined && checkpoints.size + refused.count === 0 && wasUsed(index)) throw noneOfThisFolder(checkpoint)
    const trail = { folder, files, index, start, checkpointed: checkpoints.keys(), budget: this.#budget }
    const segments = await segmentsFound(trail, this.#report)
    this.#assertIndexKnows(index, checkpoints, start)
    const newest = segments.reduce((last, { step, path }) => (path === undefined ? last : Math.max(last, step)), -1)
    return { segments, newest, index, checkpoints }
  }

  /** A copy for the auditor may lack it. */
  async #keyState(): Promise<KeyState | undefined> {
    if (!(await readdir(this.#folder)).includes(keyFile)) return undefined
    try {
      if (await isRegularFile(join(this.#folder, keyFile))) {
        const state = await readKey(this.#folder)
        this.#budget.hold(state.key)
        return state
      }
    } catch (error) {
      if (!SecretsError.isInstance(error) || error.code !== 'CONFIGURATION') throw error
    }
    this.#report.problems.add({ what: 'edited', file: keyFile, line: 1, explanation: "the folder's key is malformed" })
    return undefined
  }

  /** Only a checkpoint shows that index, key and segments were all set back. */
  #assertIndexKnows(index: IndexFindings, checkpoints: ReadonlyMap<number, SegmentCheckpoints>, start: StartKey): void {
    const unknown = new Map([...checkpoints].filter(([step]) => step >= start.step && !index.opened.has(step) && !index.unknown.has(step)))
    this.#collecting(() => {
      const beyond = checkpointBeyondIndex(unknown, start, index.length, this.#budget)
      if (beyond !== undefined) throw indexTruncated(index.length, beyond)
    })
  }

  #askedFor(segments: readonly FoundSegment[], { times, earlier }: IndexFindings): readonly FoundSegment[] {
    const { isAskedFor = () => true } = this.#options
    const asked = segments.filter(({ step }) => isAskedFor(step, times.get(step)))
    const left = segments.length - asked.length + earlier.size
    if (this.#options.isAskedFor !== undefined || left > 0) this.#report.leftOut(left)
    return asked
  }

  async *#verified(
    { step, key, path }: FoundSegment,
    { newest, index, checkpoints }: Omit<ToVerify, 'segments'>,
  ): AsyncGenerator<SegmentGroup> {
    const [ended, held] = [index.ended.get(step), checkpoints.get(step)]
    const file = path ?? (await this.#laterFile(step))
    if (file === undefined) {
      this.#judgeAbsent({ step, key, path }, { newest, index }, held)
      return
    }
    const [budget, indexLines, digests] = [this.#budget, index.length, index.digests]
    const segment = new SegmentVerification({ path: file, step, key, ended, checkpoints: held, indexLines, digests, budget })
    yield* segment.groups()
    this.#report.verified(step, file, segment.result(), index.times.get(step))
  }

  /** Opened after the folder was listed. */
  async #laterFile(step: number): Promise<string | undefined> {
    const path = join(this.#folder, segmentName(step))
    const isThere = await stat(path).then(
      (found) => found.isFile(),
      () => false,
    )
    return isThere ? path : undefined
  }

  #judgeAbsent(
    { step, key }: FoundSegment,
    { newest, index }: Pick<ToVerify, 'newest' | 'index'>,
    held: SegmentCheckpoints | undefined,
  ): void {
    if (index.marks.pruned.has(step)) return
    const beyond = this.#collecting(() => held && checkpointBeyond(held, { group: 0, key, position: 0 }, this.#budget))
    if (beyond !== undefined || !isExcusable(step, index))
      this.#report.gone(step, index.ended.get(step)?.records ?? beyond?.records ?? 0, step > newest)
    else if (!isBeingOpened(step, index)) this.#report.unseen(step)
  }

  #collecting<Result>(run: () => Result): Result | undefined {
    try {
      return run()
    } catch (error) {
      if (!(error instanceof ProblemFound)) throw error
      this.#report.problems.add(error.problem)
      return undefined
    }
  }
}

function sumOf(checkpoints: ReadonlyMap<number, SegmentCheckpoints>): number {
  return [...checkpoints.values()].reduce((sum, { length }) => sum + length, 0)
}

/** A used segment has sent a checkpoint, so those of another folder, or none, prove nothing. */
function wasUsed({ ended }: IndexFindings): boolean {
  return [...ended.values()].some(({ found }) => found !== 'unused')
}

/**
 * The last epoch may have created no segment: its process died, or is still creating it. For any
 * other epoch only its successor can say so. Without an index line nothing says that there was a
 * segment.
 */
function isExcusable(step: number, index: IndexFindings): boolean {
  const ended = index.ended.get(step)
  if (ended !== undefined) return ended.found === 'unused'
  if (index.unknown.has(step)) return true
  return step === index.length - 1 && (index.keyStep === undefined || step === index.unfinished || isBeingOpened(step, index))
}

/** The folder's key was not yet replaced, and it cannot be set back. */
function isBeingOpened(step: number, { ended, keyStep = -1 }: IndexFindings): boolean {
  return keyStep !== -1 && keyStep <= step && !ended.has(step)
}
