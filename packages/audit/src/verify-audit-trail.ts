import type { KeyObject } from 'node:crypto'
import { readdir, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { knownOptions, SecretsError } from '@finchat/secrets-core'
import { type AuditProblem, ProblemFound } from './audit-problem.ts'
import { checkpointsIn, type CheckpointSource, noneOfThisFolder } from './checkpoint-lines.ts'
import { segmentName } from './ended-segment.ts'
import { folderError } from './folder-errors.ts'
import type { SegmentCheckpoints } from './held-checkpoints.ts'
import { parsedKey } from './key-chain.ts'
import { keyFile, type KeyState, readKey } from './key-file.ts'
import { checkpointBeyond, checkpointBeyondIndex } from './signed-checkpoints.ts'
import { isRegularFile, type SegmentFile, segmentFiles, type SegmentGroup } from './segment-reader.ts'
import { type CutIndexLine, indexTruncated, type VerifiedIndex, verifiedIndex } from './verified-index.ts'
import { SegmentVerification, type VerifiedSegment } from './verified-segment.ts'

/** What `verifyAuditTrail` takes. */
export interface VerifyAuditOptions {
  /** The folder's first key, which `initAuditFolder` returned. */
  readonly key: string
  /**
   * Where the checkpoints are: a file, a folder of files, or the lines; one of this folder must be among them, once a segment of it was used and has ended.
   * Without them the end of what no process ended is unproven, and a whole folder that was put back to how it once was is not found. Each is held until the
   * verification ends: a million take some 93 MB. One that speaks of what is not there counts if it was signed, for which a million keys are made at most
   * (four seconds): further behind the end it is a problem itself. Give all of them and not the last alone, and none of ours is.
   */
  readonly checkpoint?: string | readonly string[] | undefined
}

/** The end of a segment which its own process did not end: it runs, or it died, or it never came to use it. */
export interface UnprovenTail {
  readonly file: string
  /** How many lines are sealed: none of them was changed, but behind them some may have been cut off. 0: the file may be gone too. */
  readonly lastLine: number
  /** What was written until then is proven to be there, epoch milliseconds. Absent: no checkpoint is known. */
  readonly provenUntil?: number | undefined
  /** Bytes behind the last seal: its process died while it wrote them, or is at it. Nothing of them was acknowledged. */
  readonly torn: number
}

export interface AuditVerification {
  /** Nothing was found. What could not be proven stands in `unproven`. */
  readonly ok: boolean
  /** The first thing that is wrong; what comes behind it was not looked at. */
  readonly problem?: AuditProblem | undefined
  /** How many authentic records there are, up to the problem. */
  readonly records: number
  readonly segments: number
  /** The times of the first and last record, epoch milliseconds. */
  readonly from?: number | undefined
  readonly to?: number | undefined
  /** How many records the sink did not acknowledge, as its gap records say. */
  readonly missed: number
  readonly unproven: readonly UnprovenTail[]
  /** The folder's own key was there and says that no step is missing at the end of the index; in a copy without it only checkpoints can. */
  readonly isIndexWhole: boolean
  /** Lines of the index that were not finished, in their order. Nothing depends on them. */
  readonly cutIndexLines: readonly CutIndexLine[]
}

/**
 * Tells whether the trail in this folder is as it was written, reading it once as a stream; processes may be writing to it. Throws `CONFIGURATION` for
 * options that make no sense, and `AUDIT_FAILED` if the folder cannot be read, or there is no checkpoint of it where `checkpoint` says.
 *
 * @example
 * import { auditTrail, initAuditFolder, jsonLinesFile, verifyAuditTrail } from '@finchat/secrets-audit'
 * import { createSecretsManager, envProvider } from '@finchat/secrets-core'
 *
 * const { key } = await initAuditFolder('verified')
 * const secrets = createSecretsManager({ providers: [envProvider()], audit: auditTrail({ sinks: [jsonLinesFile({ folder: 'verified' })] }) })
 * await secrets.getSecret('FINCHAT_TOKEN')
 * await secrets.close()
 * const { ok, records, problem } = await verifyAuditTrail('verified', { key })
 * console.log(ok, records, problem) // true 1 undefined
 */
export async function verifyAuditTrail(folder: string, options: VerifyAuditOptions): Promise<AuditVerification> {
  const verification = new TrailVerification(folder, options)
  const groups = verification.groups()
  while (!(await groups.next()).done);
  return verification.result()
}

/** Verifies a trail while its groups are read, once. Throws `CONFIGURATION` for a key, a folder or checkpoints that are none. */
export class TrailVerification {
  readonly #folder: string
  readonly #key: KeyObject
  readonly #checkpoint: CheckpointSource | undefined
  readonly #report = new Report()

  constructor(folder: string, options: VerifyAuditOptions) {
    const { key, checkpoint } = knownOptions(options, { key: 'any', checkpoint: 'any' })
    if (typeof folder !== 'string' || folder === '')
      throw new SecretsError('CONFIGURATION', '`folder` is no path', { remedy: 'name a folder' })
    if (checkpoint !== undefined && !isSource(checkpoint))
      throw misused('`checkpoint` is neither a path nor lines', 'leave it out, or name where the checkpoints are')
    this.#folder = folder
    this.#key = parsedKey(key)
    this.#checkpoint = checkpoint
  }

  /** The groups that are as they were sealed, in their order, as they are found to be; ends at the first problem. */
  async *groups(): AsyncGenerator<SegmentGroup> {
    try {
      yield* verifiedGroups(await this.#read(), this.#report)
    } catch (error) {
      if (!(error instanceof ProblemFound)) throw folderError(error, this.#folder)
      this.#report.problem = error.problem
    }
  }

  /** What was found: all of it once the groups have been read to their end. */
  result(): AuditVerification {
    return this.#report.result()
  }

  /** In this order, processes that go on writing make nothing look as if it were missing or added. */
  async #read(): Promise<ToVerify> {
    const folder = this.#folder
    const [files, state, checkpoints] = [await segmentFiles(folder), await keyIn(folder), await checkpointsIn(this.#checkpoint ?? [])]
    const index = await verifiedIndex(folder, this.#key, state)
    this.#report.indexed(index)
    const ours = checkpoints.of(index.folder)
    if (this.#checkpoint !== undefined && ours.size === 0 && wasUsed(index)) throw noneOfThisFolder(this.#checkpoint)
    return { folder, key: this.#key, files: filesByStep(files, index), index, checkpoints: ours }
  }
}

/**
 * Then a checkpoint was sent. Those of another folder, or none at all, prove nothing; where every segment has ended, `unproven` would not say so, but it does of those that
 * were never used.
 */
function wasUsed({ ended }: VerifiedIndex): boolean {
  return [...ended.values()].some(({ found }) => found !== 'unused')
}

function isSource(checkpoint: unknown): boolean {
  if (Array.isArray(checkpoint)) return checkpoint.every((line) => typeof line === 'string')
  return typeof checkpoint === 'string' && checkpoint !== ''
}

function misused(problem: string, remedy: string): SecretsError {
  return new SecretsError('CONFIGURATION', problem, { remedy })
}

/** A copy for the auditor may be without it. */
async function keyIn(folder: string): Promise<KeyState | undefined> {
  if (!(await readdir(folder)).includes(keyFile)) return undefined
  try {
    if (await isRegularFile(join(folder, keyFile))) return await readKey(folder)
  } catch (error) {
    if (!SecretsError.isInstance(error)) throw error
  }
  throw new ProblemFound({ what: 'edited', file: keyFile, line: 1, explanation: "the folder's key is none" })
}

interface ToVerify {
  readonly folder: string
  /** The first of its chain. */
  readonly key: KeyObject
  readonly files: ReadonlyMap<number, string>
  readonly index: VerifiedIndex
  readonly checkpoints: ReadonlyMap<number, SegmentCheckpoints>
}

async function* verifiedGroups({ folder, key: first, files, index, checkpoints }: ToVerify, report: Report): AsyncGenerator<SegmentGroup> {
  assertIndexKnows(index, checkpoints, first)
  for (const [step, key] of index.opened) {
    const [ended, held] = [index.ended.get(step), checkpoints.get(step)]
    const file = files.get(step) ?? (await laterFile(folder, step))
    if (file === undefined) {
      if (!isExcusable(step, index) || (held && checkpointBeyond(held, { group: 0, key, position: 0 })) !== undefined) {
        throw new ProblemFound({ what: 'missing', file: segmentName(step), line: 1, explanation: 'the segment is gone' })
      }
      if (!isBeingOpened(step, index)) report.unseen(segmentName(step))
      continue
    }
    const segment = new SegmentVerification({ path: file, key, ended, checkpoints: held, indexLines: index.length })
    try {
      yield* segment.groups()
    } finally {
      report.proven(segment.result())
    }
    report.passed(file, segment.result())
  }
}

/** A segment that was opened after the folder was listed. */
async function laterFile(folder: string, step: number): Promise<string | undefined> {
  const path = join(folder, segmentName(step))
  const isThere = await stat(path).then(
    (found) => found.isFile(),
    () => false,
  )
  return isThere ? path : undefined
}

/** The step that was taken last may have created no segment: its process died, or is at it. Of any other only its own successor can say so, at once. */
function isExcusable(step: number, index: VerifiedIndex): boolean {
  const ended = index.ended.get(step)
  if (ended !== undefined) return ended.found === 'unused'
  return step === index.length - 1 && (index.keyStep === undefined || step === index.unfinished || isBeingOpened(step, index))
}

/** The folder's key was not yet put forward, and nobody can put it back. */
function isBeingOpened(step: number, { ended, keyStep = -1 }: VerifiedIndex): boolean {
  return keyStep !== -1 && keyStep <= step && !ended.has(step)
}

function filesByStep(files: readonly SegmentFile[], index: VerifiedIndex): ReadonlyMap<number, string> {
  const found = new Map<number, string>()
  for (const { path, header, isFile } of files) {
    const step = header?.folder === index.folder ? header.step : isFile ? unfinishedStep(path) : undefined
    if (step === undefined || !index.opened.has(step)) throw foreign(path, step, index)
    if (found.has(step)) {
      throw new ProblemFound({ what: 'duplicated', file: basename(path), line: 1, explanation: 'another file has the same segment' })
    }
    found.set(step, path)
  }
  return found
}

/** A copy may have one that was opened when its index had been copied. */
function foreign(path: string, step: number | undefined, index: VerifiedIndex): ProblemFound {
  const explanation =
    step === undefined || step < index.length
      ? 'the file is no segment that this folder opened'
      : 'no line of the index opened this segment: it was added, or copied later than the index'
  return new ProblemFound({ what: 'inserted', file: basename(path), line: 1, explanation })
}

/** A segment whose header is not whole, since its process died while it wrote it; or was edited, and then its group 0 says so. */
function unfinishedStep(path: string): number | undefined {
  const step = Number(/\d+/.exec(basename(path))?.[0])
  return segmentName(step) === basename(path) ? step : undefined
}

/** An index, cut at its end, with the folder's key and the segments: only who saw it longer can tell. */
function assertIndexKnows(index: VerifiedIndex, checkpoints: ReadonlyMap<number, SegmentCheckpoints>, first: KeyObject): void {
  const unknown = new Map([...checkpoints].filter(([step]) => !index.opened.has(step)))
  const beyond = checkpointBeyondIndex(unknown, first, index.length)
  if (beyond !== undefined) throw indexTruncated(index.length, beyond)
}

/** What is known so far. */
class Report {
  problem: AuditProblem | undefined
  #isIndexWhole = false
  #cutIndexLines: readonly CutIndexLine[] = []
  readonly #unproven: UnprovenTail[] = []
  #records = 0
  #segments = 0
  #missed = 0
  #from: number | undefined
  #to: number | undefined

  indexed({ isWhole, cutLines }: VerifiedIndex): void {
    this.#isIndexWhole = isWhole
    this.#cutIndexLines = cutLines
  }

  /** Of a segment, whatever is wrong behind it. */
  proven({ records, missed, from, to }: VerifiedSegment): void {
    this.#records += records
    this.#missed += missed
    if (from !== undefined) this.#from = Math.min(this.#from ?? from, from)
    if (to !== undefined) this.#to = Math.max(this.#to ?? to, to)
  }

  /** A segment in which nothing is wrong. */
  passed(path: string, { isEnded, lastLine, checkpointedAt, torn }: VerifiedSegment): void {
    this.#segments++
    if (!isEnded) this.#unproven.push({ file: basename(path), lastLine, provenUntil: checkpointedAt, torn })
  }

  /** A segment that is not there: that it never was is only somebody's word. */
  unseen(file: string): void {
    this.#unproven.push({ file, lastLine: 0, torn: 0 })
  }

  result(): AuditVerification {
    const { problem } = this
    const [records, segments, missed, from, to] = [this.#records, this.#segments, this.#missed, this.#from, this.#to]
    return {
      ok: problem === undefined,
      problem,
      records,
      segments,
      from,
      to,
      missed,
      unproven: this.#unproven,
      isIndexWhole: this.#isIndexWhole,
      cutIndexLines: this.#cutIndexLines,
    }
  }
}
