import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileFailure, SecretsError } from '@finchat/secrets-core/provider'
import { indexTruncated, ProblemFound } from './audit-problem.ts'
import type { VerificationReport } from './verification-report.ts'
import { type CheckpointSource, checkpointsIn, noneOfThisFolder } from '../checkpoints/checkpoint-reader.ts'
import { segmentName } from '../format/end-of-segment.ts'
import { readerError } from '../disk/changed-meanwhile.ts'
import { CheckpointTable, type HeldCheckpoints } from '../checkpoints/checkpoint-table.ts'
import type { ToldFolders } from '../checkpoints/other-folders.ts'
import { type ChainKey, KeyBudget } from '../keys/key-chain.ts'
import { SegmentKeys } from '../keys/segment-keys.ts'
import type { StartKey } from '../keys/start-key.ts'
import { keyFile, type KeyState, readKey } from '../format/folder-key.ts'
import { FolderFiles } from '../format/folder-files.ts'
import { isListed, isRegularFile, type SegmentGroup } from '../format/segment-reader.ts'
import type { LineDigests, NamedLines } from '../tables/line-digests.ts'
import { StepSet } from '../tables/step-set.ts'
import { checkpointBeyond, checkpointBeyondIndex } from './checkpoint-signatures.ts'
import { problemsOfRemoved } from './compare-checkpoints.ts'
import { type FoundSegments, segmentsFound } from './find-segments.ts'
import type { FoundSuccessor, IndexFindings } from './findings.ts'
import { verifyIndex } from './verify-index.ts'
import { SegmentVerification } from './verify-segment.ts'
import type { CheckedVerifyOptions } from './verify-options.ts'

interface ToVerify {
  readonly segments: FoundSegments
  /** The newest segment that is there. */
  readonly newest: number
  readonly index: IndexFindings
  readonly checkpoints: HeldCheckpoints
}

export interface TrailFolder {
  readonly folder: string
  readonly options: CheckedVerifyOptions
  readonly report: VerificationReport
  /** The hash of the line by which the folder before was left, if that was verified. */
  readonly before: string | undefined
  /** For a comparison of two trails. Takes 40 bytes for each line of the index. */
  readonly keepsLines: boolean
  /** The id of the first folder of the trail. */
  readonly trail: string
  /** What an earlier pass read. */
  readonly read: ReadGroups
}

/** Verifies one folder of a trail while its groups are read, once. */
export class TrailFolderVerification {
  /** Where the trail goes on: known once the groups were read. The caller overwrites its key. */
  successor: FoundSuccessor | undefined
  /** How many lines its index has. */
  lines = 0
  /** Their hashes, if they are kept. */
  digests: LineDigests | undefined
  /** The folders of other checkpoints, where this one's are. */
  told: ToldFolders | undefined
  readonly #folder: string
  readonly #options: CheckedVerifyOptions
  readonly #report: VerificationReport
  /** The hash of the line by which the folder before was left. */
  readonly #before: string | undefined
  readonly #keepsLines: boolean
  readonly #trail: string
  readonly #passed: ReadGroups
  readonly #budget = new KeyBudget()

  constructor({ folder, options, report, before, keepsLines, trail, read }: TrailFolder) {
    this.#passed = read
    this.#trail = trail
    this.#options = options
    this.#folder = folder
    this.#report = report
    this.#before = before
    this.#keepsLines = keepsLines
  }

  /** The authentic groups that were not read before, in order. Overwrites all other keys that it derived; the caller overwrites the first. */
  async *groups(): AsyncGenerator<SegmentGroup> {
    try {
      const known = await this.#read()
      yield* this.#segments(known)
    } catch (error) {
      throw readerError(error, this.#folder)
    } finally {
      this.#budget.wipe()
    }
  }

  /** In this order, concurrent writes cannot look like tampering. */
  async #read(): Promise<ToVerify> {
    const [folder, { start, checkpoint, verifier, pruneVerifier }] = [this.#folder, this.#options]
    const [files, state] = [await FolderFiles.list(folder, start.folder), await this.#keyState()]
    const all = new CheckpointTable(start.folder, { verifier, trail: this.#trail })
    const checkpoints = await checkpointsIn(checkpoint ?? [], all)
    this.told = all
    const named = this.#keepsLines ? everyLine : new StepSet(checkpoints.lines())
    const known = { start, state, budget: this.#budget, isSignedPrune: pruneVerifier, named, before: this.#before }
    const index = await verifyIndex(folder, known)
    this.lines = index.length
    if (this.#keepsLines) this.digests = index.digests
    this.successor = index.successor && { ...index.successor, start: copyOf(index.successor.start) }
    this.#report.indexed(index)
    if (checkpoint !== undefined) this.#report.compared(checkpoints.count, verifier !== undefined)
    this.#report.refused(checkpoints.refused)
    if (checkpoint !== undefined && checkpoints.count + checkpoints.refused.count === 0 && wasUsed(index))
      this.#lacksCheckpoints(checkpoint, index)
    const trail = { files, index, start, checkpointed: checkpoints.steps, budget: this.#budget }
    const segments = await segmentsFound(trail, this.#report)
    this.#assertIndexKnows(index, checkpoints, start)
    let newest = -1
    for (const step of segments.steps) if (segments.pathOf(step) !== undefined) newest = step
    return { segments, newest, index, checkpoints }
  }

  /** The trail may have gone on in this folder after the checkpoints were exported. */
  #lacksCheckpoints(source: CheckpointSource, { length }: IndexFindings): void {
    if (!this.#report.hasCheckpoints) throw noneOfThisFolder(source)
    this.#report.unchecked(length)
  }

  /** A copy for the auditor may lack it. */
  async #keyState(): Promise<KeyState | undefined> {
    const path = join(this.#folder, keyFile)
    if (!(await isListed(path))) return undefined
    try {
      if (await isRegularFile(path)) {
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
  #assertIndexKnows(index: IndexFindings, checkpoints: HeldCheckpoints, start: StartKey): void {
    const unknown = checkpoints.steps.filter((step) => step >= start.step && !index.opened.has(step) && !index.unknown.has(step))
    this.#collecting(() => {
      const beyond = checkpointBeyondIndex(unknown, checkpoints, start, index.length, this.#budget)
      if (beyond !== undefined) throw indexTruncated(index.length, beyond)
    })
  }

  async *#segments(known: ToVerify): AsyncGenerator<SegmentGroup> {
    const [{ steps }, { table, earlier }] = [known.segments, known.index]
    const { start, isAskedFor } = this.#options
    const keys = new SegmentKeys(start)
    let left = earlier.size
    try {
      for (const step of steps) {
        if (isAskedFor?.(step, table.timesOf(step)) === false) left++
        else yield* this.#verified(step, keys, known)
      }
    } finally {
      keys.wipe()
    }
    if (isAskedFor !== undefined || left > 0) this.#report.leftOut(left)
  }

  async *#verified(step: number, keys: SegmentKeys, known: ToVerify): AsyncGenerator<SegmentGroup> {
    const path = known.segments.pathOf(step) ?? (await this.#laterFile(step))
    const key = keys.of(step)
    try {
      if (path === undefined) this.#judgeAbsent(step, key, known)
      else yield* this.#groupsOf(step, key, path, known)
    } catch (error) {
      // Its removal was recorded before the index was read.
      if (fileFailure(error) !== 'missing' || !known.index.marks.pruned.has(step)) throw error
      this.#judgeAbsent(step, key, known)
    } finally {
      key.wipe()
    }
  }

  async *#groupsOf(step: number, key: ChainKey, path: string, { index, checkpoints }: ToVerify): AsyncGenerator<SegmentGroup> {
    const [ended, held, budget] = [index.table.endOf(step), checkpoints.get(step), this.#budget]
    const known = { indexLines: index.length, digests: index.digests, budget }
    const segment = new SegmentVerification({ path, step, key, ended, checkpoints: held, ...known })
    const { folder } = this.#options.start
    for await (const group of segment.groups()) if (this.#passed.take(folder, { step, line: group.firstLine })) yield group
    this.#report.verified(step, path, segment.result(), index.table.timesOf(step)?.ended)
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

  #judgeAbsent(step: number, key: ChainKey, { newest, index, checkpoints }: ToVerify): void {
    const [held, ended] = [checkpoints.get(step), index.table.endOf(step)]
    if (index.marks.pruned.has(step) && ended !== undefined) {
      const removed = { step, key, ended, checkpoints: held, indexLines: index.length, digests: index.digests, budget: this.#budget }
      for (const problem of problemsOfRemoved(removed)) this.#report.problems.add(problem)
      return
    }
    const beyond = this.#collecting(() => held && checkpointBeyond(held, { group: 0, key, position: 0 }, this.#budget))
    if (beyond !== undefined || !isExcusable(step, index)) this.#report.gone(step, ended?.records ?? beyond?.records ?? 0, step > newest)
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

const everyLine: NamedLines = { has: () => true }

/**
 * A used segment has sent a checkpoint, so those of another folder, or none, prove nothing. One that
 * was left for the next folder before a record came has sent none.
 */
function wasUsed({ table, marks }: IndexFindings): boolean {
  for (const { found, step, records } of table.ends()) {
    const isEmpty = found === 'unused' || (found === 'ended' && records === 0)
    if (!isEmpty && !marks.pruned.has(step)) return true
  }
  return false
}

function copyOf({ key, ...start }: StartKey): StartKey {
  return { ...start, key: key.later(0) }
}

/**
 * The last epoch may have created no segment: its process died, or is still creating it. For any
 * other epoch only its successor can say so. Without an index line nothing says that there was a
 * segment.
 */
function isExcusable(step: number, index: IndexFindings): boolean {
  const ended = index.table.endOf(step)
  if (ended !== undefined) return ended.found === 'unused'
  if (index.unknown.has(step)) return true
  return step === index.length - 1 && (index.keyStep === undefined || step === index.unfinished || isBeingOpened(step, index))
}

/** The folder's key was not yet replaced, and it cannot be set back. */
function isBeingOpened(step: number, { table, keyStep = -1 }: IndexFindings): boolean {
  return keyStep !== -1 && keyStep <= step && !table.hasEnd(step)
}

interface Place {
  readonly step: number
  readonly line: number
}

/** What was read of a trail: a verification that begins again passes no group on twice. */
export class ReadGroups {
  /** By the id of a folder: its last group. Segments are read in order. */
  readonly #last = new Map<string, Place>()

  /** Whether the group was not read before; from now on it was. `line` is its first. */
  take(folder: string, { step, line }: Place): boolean {
    const last = this.#last.get(folder)
    if (last !== undefined && (step < last.step || (step === last.step && line <= last.line))) return false
    this.#last.set(folder, { step, line })
    return true
  }
}
