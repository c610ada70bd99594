import { dirname, join } from 'node:path'
import { ChangedMeanwhile } from '../disk/changed-meanwhile.ts'
import { copyEnded, heldIndex } from '../file/copy-lock.ts'
import { type ProblemFound, Problems } from './audit-problem.ts'
import { asIndexEntry, type IndexEntry, isLineAuthentic, maxEntryBytes } from '../format/index-line.ts'
import { IndexTable } from '../format/index-table.ts'
import type { SuccessorMark } from '../format/index-marks.ts'
import { type ChainKey, folderIdOf, type KeyBudget, mostKeysBeyond } from '../keys/key-chain.ts'
import type { StartKey } from '../keys/start-key.ts'
import { HostClock } from '../tables/host-clock.ts'
import type { FoundSuccessor, IndexFindings, TornIndexLine } from './findings.ts'
import { LineDigests, type NamedLines } from '../tables/line-digests.ts'
import { keyFile, type KeyState, olderFormat } from '../format/folder-key.ts'
import { IndexMarks } from '../format/prune-mark.ts'
import type { SignatureVerifier } from '../keys/signature.ts'
import { digestOf } from '../record/digest.ts'
import { parsedLine } from '../format/segment-format.ts'
import { indexFile, isListed, isRegularFile, linesOf } from '../format/segment-reader.ts'
import { StepSet } from '../tables/step-set.ts'

type Entry = IndexEntry & { readonly mac: string }

/** A reader may see parts of two lines while a process overwrites an unfinished one. */
const mostTries = 3
const mostProblems = 100

export interface IndexToVerify {
  readonly start: StartKey
  /** The folder's key, read before; absent in a copy without it. */
  readonly state: KeyState | undefined
  readonly budget: KeyBudget
  readonly isSignedPrune: SignatureVerifier | undefined
  /** Lines whose hashes are kept. */
  readonly named: NamedLines
  /** The hash that the first line must name, if the folder follows one that was verified. */
  readonly before: string | undefined
}

export async function verifyIndex(folder: string, known: IndexToVerify, tries = 1): Promise<IndexFindings> {
  const index = new IndexVerification(known)
  if (await isThere(folder)) await index.read(join(folder, indexFile))
  else if (await copyEnded(folder).then(() => isThere(folder))) throw new ChangedMeanwhile()
  else index.isGone(await isListed(join(folder, heldIndex)))
  const result = index.result()
  const mayBeLive = result.problems.list.some(({ file }) => file === indexFile) && tries < mostTries
  return mayBeLive ? verifyIndex(folder, known, tries + 1) : result
}

async function isThere(folder: string): Promise<boolean> {
  const path = join(folder, indexFile)
  return (await isListed(path)) && isRegularFile(path)
}

/**
 * Reads the index line by line. A line counts if it is authentic under its epoch's key, and epochs
 * ascend.
 */
class IndexVerification {
  readonly #state: KeyState | undefined
  readonly #budget: KeyBudget
  readonly #problems = new Problems(mostProblems)
  readonly #opened = new StepSet()
  readonly #table = new IndexTable()
  readonly #marks: IndexMarks
  readonly #unknown = new StepSet()
  readonly #tornLines: TornIndexLine[] = []
  readonly #digests: LineDigests
  readonly #clock = new HostClock()
  readonly #ownFolder: string
  /** The epoch that the given key is for. The hashes of lines prove those before it. */
  readonly #start: number
  readonly #earlier = new StepSet()
  readonly #key: ChainKey
  #step = 0
  /** The hash of the line before, if that is authentic. */
  #before: string | undefined
  readonly #beforeFirst: string | undefined
  #successor: Omit<FoundSuccessor, 'isBeingMade'> | undefined
  #leftAt = Infinity
  #folder: string | undefined
  /** From 0. */
  #line = 0
  #torn = 0
  /** Lines that were refused since the last accepted one. */
  #refused = 0
  #isKeyStrange = false
  #isOlder = false

  constructor({ start: { key, step, folder }, state, budget, isSignedPrune, named, before }: IndexToVerify) {
    this.#beforeFirst = before
    this.#marks = new IndexMarks(isSignedPrune)
    this.#digests = new LineDigests(named)
    this.#key = key.later(0)
    this.#start = step
    this.#ownFolder = folder
    this.#state = state
    this.#budget = budget
  }

  async read(path: string): Promise<void> {
    for await (const lines of linesOf(path)) for (const line of lines) this.#verify(line)
    if (this.#folder === undefined && this.#isOlder) throw olderFormat(dirname(path))
    this.#judgeEnd()
  }

  isGone(isHalfCopied: boolean): void {
    const half = 'the index is missing: the copy is not complete, and copyAuditTrail completes it'
    this.#fail('missing', isHalfCopied ? half : 'the index is missing, or this is not the folder of an audit trail')
  }

  result(): IndexFindings {
    const [folder, length, state] = [this.#folder, this.#step, this.#state]
    this.#key.wipe()
    if (folder !== undefined && state !== undefined && state.folder !== folder) this.#strangeKey()
    return {
      folder,
      length,
      opened: this.#opened,
      table: this.#table,
      digests: this.#digests,
      unknown: this.#unknown,
      tornLines: this.#tornLines,
      isWhole: state !== undefined && !this.#isKeyStrange,
      keyStep: this.#isKeyStrange ? undefined : state?.step,
      unfinished: state?.unused.find((unused) => unused === state.step - 1),
      earlier: this.#earlier,
      marks: this.#marks,
      clock: this.#clock,
      successor: this.#successor && { ...this.#successor, isBeingMade: state !== undefined && state.step <= this.#leftAt },
      problems: this.#problems,
    }
  }

  #verify(line: Buffer): void {
    const entry = asIndexEntry(line)
    if (entry === undefined) return this.#noEntry(line)
    if (this.#torn > 0) this.#fail('inserted', 'foreign bytes precede this line of the index')
    this.#torn = 0
    if (this.#isOurs(entry, line)) this.#accept(entry, digestOf(line))
    else this.#refuse(entry)
    this.#line++
  }

  #noEntry(line: Buffer): void {
    if (line.at(-1) !== lineFeed || this.#mayBeUnwritten(line)) {
      this.#torn += line.length
      return
    }
    this.#isOlder ||= this.#line === 0 && parsedLine(line)?.['v'] === 1
    this.#fail('edited', 'the line of the index is not an entry')
    this.#refused++
    this.#line++
  }

  /**
   * A power cut may leave zeros for the beginning of a line. The folder's key must confirm that no
   * line is missing before it: otherwise the line replaced another one.
   */
  #mayBeUnwritten(line: Buffer): boolean {
    return line.includes(0) && this.#refused === 0 && this.#state !== undefined && this.#state.step <= this.#step
  }

  /** Epochs may be forged: the keys up to them come out of the budget. */
  #isOurs(entry: Entry, line: Buffer): boolean {
    if (entry.step < this.#start) return entry.step === this.#step
    const steps = entry.step - Math.max(this.#step, this.#start)
    if (steps < 0 || (steps > 0 && !this.#budget.take(steps))) return false
    if (steps === 0) return isLineAuthentic(line, entry.mac, this.#key)
    const key = this.#key.later(steps)
    try {
      return isLineAuthentic(line, entry.mac, key)
    } finally {
      key.wipe()
    }
  }

  #refuse(entry: Entry): void {
    this.#refused += entry.step < this.#step ? 0 : 1
    const { what, explanation } = whatIsWrong(entry, this.#step, this.#line)
    this.#fail(what, explanation)
  }

  #accept(entry: Entry, digest: string): void {
    const skipped = entry.step - this.#step
    if (skipped > this.#refused) this.#fail('missing', 'a line of the index is missing before this one, or two changed places')
    for (; this.#step < entry.step; this.#goOn()) this.#unknown.add(this.#step)
    this.#refused = 0
    this.#folder ??= entry.folder
    if (entry.step === 0) this.#before = this.#beforeFirst ?? (entry.follows === undefined ? '' : undefined)
    else if (skipped > 0) this.#before = undefined
    this.#compareBefore(entry)
    this.#before = digest
    this.#digests.add(entry.step, digest)
    if (entry.folder === this.#folder) this.#take(entry, digest)
    else this.#fail('inserted', 'the line of the index is of another folder')
    this.#goOn()
  }

  /** Against holders of the key: each line names the one before it. */
  #compareBefore({ before, step, folder }: Entry): void {
    if (this.#before !== undefined && this.#before !== before) this.#fail('edited', 'the line before this one was replaced')
    if (step === 0 && folder !== this.#ownFolder)
      this.#fail(this.#start === 0 ? 'edited' : 'wrong key', "the folder's id is not that of this key")
  }

  #take(entry: Entry, digest: string): void {
    if (entry.time > 0) this.#clock.add(entry.time, entry.step + 1)
    if (entry.step > this.#leftAt && (entry.opens || entry.successor !== undefined))
      this.#fail('inserted', 'the line opens a segment or a folder after the trail went on in another folder')
    else if (entry.successor !== undefined) this.#leave(entry.step, entry.successor, digest)
    const wrongMark = this.#marks.take(entry, this.#table, this.#unknown.size === 0)
    if (wrongMark !== undefined) this.#fail('edited', wrongMark)
    this.#addEnds(entry)
    this.#table.addLine(entry)
    if (entry.opens) (entry.step < this.#start ? this.#earlier : this.#opened).add(entry.step)
    if (entry.cut !== undefined) this.#tornLines.push({ line: entry.step + 1, bytes: entry.cut, isRecorded: true })
  }

  /** The id of the next folder follows from this epoch's key. */
  #leave(step: number, { folder, name }: SuccessorMark, digest: string): void {
    this.#leftAt = step
    if (step < this.#start) return
    const key = this.#budget.hold(this.#key.derived('successor'))
    if (folderIdOf(key) === folder) this.#successor = { name, digest, start: { key, step: 0, folder } }
    else this.#fail('edited', 'the line names a folder that does not follow this one')
  }

  #goOn(): void {
    if (this.#step < this.#start) return void this.#step++
    this.#assertSameKey()
    this.#key.advance()
    this.#step++
  }

  /**
   * A segment's end is recorded once. That it was never used must follow at once: later it could
   * hide a removal. A missing line may have opened it.
   */
  #addEnds({ ended, step }: Entry): void {
    for (const segment of ended) {
      const isTooLate = segment.found === 'unused' && segment.step !== step - 1
      if (!this.#mayBeOpen(segment.step) || this.#table.hasEnd(segment.step))
        this.#fail('inserted', 'the line records the end of a segment that was not open')
      else if (isTooLate) this.#fail('inserted', 'the line records too late that a segment was never used')
      else this.#table.addEnd(segment, step)
    }
  }

  #mayBeOpen(step: number): boolean {
    return this.#opened.has(step) || this.#earlier.has(step) || this.#unknown.has(step)
  }

  #judgeEnd(): void {
    if (this.#folder === undefined) this.#problems.keepFirst() // with another key none of them fits
    if (this.#line === 0 && this.#torn === 0) this.#fail('missing', 'the index is empty')
    if (this.#step < this.#start) return this.#fail('truncated', 'the index ends before the first segment of this key', true)
    this.#assertSameKey()
    if (this.#state !== undefined && this.#folder !== undefined && this.#state.step > this.#step) this.#judgeFurther(this.#state)
    if (this.#torn > maxEntryBytes) this.#fail('inserted', 'more follows the last line of the index than a dying process leaves')
    else if (this.#torn > 0) this.#tornLines.push({ line: this.#step + 1, bytes: this.#torn, isRecorded: false })
  }

  /** The key file's epoch counts only if its key is that epoch's. */
  #judgeFurther(state: KeyState): void {
    const steps = state.step - this.#step
    const isLater = steps <= mostKeysBeyond && this.#budget.take(steps) && state.key.equals(this.#budget.hold(this.#key.later(steps)))
    if (!isLater) return this.#strangeKey()
    if (steps > this.#refused) this.#fail('truncated', "the folder's key is further than its index", true)
    for (let step = this.#step; step < state.step; step++) this.#unknown.add(step)
  }

  /** A past epoch's key cannot be derived, so a different key was put there. */
  #assertSameKey(): void {
    if (this.#state?.step === this.#step && !this.#state.key.equals(this.#key)) this.#strangeKey()
  }

  /** With a wrong key for the whole trail, that is reported already. */
  #strangeKey(): void {
    if (this.#isKeyStrange || this.#folder === undefined) return
    this.#isKeyStrange = true
    this.#problems.add({ what: 'edited', file: keyFile, line: 1, explanation: "the folder's key is not of this chain" })
  }

  /** At the current line. */
  #fail(what: ProblemFound['problem']['what'], explanation: string, mayBeCopy = false): void {
    this.#problems.add({ what, file: indexFile, line: this.#line + 1, explanation, ...(mayBeCopy && { mayBeCopy }) })
  }
}

const lineFeed = 0x0a

function whatIsWrong(entry: Entry, step: number, line: number): Pick<ProblemFound['problem'], 'what' | 'explanation'> {
  if (entry.step < step) return { what: 'duplicated', explanation: 'a line of the index occurs here a second time, or out of order' }
  if (line > 0) return { what: 'edited', explanation: 'the line of the index is not as it was sealed' }
  return { what: 'wrong key', explanation: "the key is not this folder's, or the first line of its index was edited" }
}
