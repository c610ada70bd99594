import type { KeyObject } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { ProblemFound } from './audit-problem.ts'
import { asIndexEntry, type EndedSegment, type IndexEntry, isAuthentic, maxEntryBytes } from './folder-index.ts'
import { derivedKey, laterKey, mostKeysBeyond } from './key-chain.ts'
import type { Checkpoint } from './held-checkpoints.ts'
import { keyFile, type KeyState } from './key-file.ts'
import { indexFile, isRegularFile, linesOf } from './segment-reader.ts'

/**
 * A line of the index that was not finished: its process died while it wrote it, or is at it; or somebody added bytes that are no entry. No step was taken with
 * it and nothing depends on it.
 */
export interface CutIndexLine {
  /** The number that it would have had. */
  readonly line: number
  /** How much of it was there. */
  readonly bytes: number
  /** The process that came next said so, wrote its own line in its place, and kept it in `index-00000007.cut`, if it is line 8. `false`: it stands at the end of the index. */
  readonly isRecorded: boolean
}

/** What an authentic index says. */
export interface VerifiedIndex {
  readonly folder: string
  /** How many lines it has: one more than its last step. */
  readonly length: number
  /** The key of group 0 of every segment that was opened, by step. */
  readonly opened: ReadonlyMap<number, KeyObject>
  readonly ended: ReadonlyMap<number, EndedSegment>
  readonly cutLines: readonly CutIndexLine[]
  /** Whether the folder's key says that this is the whole index. */
  readonly isWhole: boolean
  /** The step that the folder's key is for: all before it but `unfinished` were finished, and have a segment if they opened one. Absent in a copy without it. */
  readonly keyStep: number | undefined
  /** The step before, if its opening was not finished, as the folder's key says until the next line of the index does: both are written with the same key. */
  readonly unfinished: number | undefined
}

type Entry = IndexEntry & { readonly mac: string }

/** Whoever takes a step may put its line in the place of one that was not finished, under the reader, who then finds a part of each. */
const mostTries = 3

/** Throws `ProblemFound` at the first line that is not as it was sealed. `state` is the folder's key, read before; absent in a copy without it. */
export async function verifiedIndex(folder: string, key: KeyObject, state: KeyState | undefined, tries = 1): Promise<VerifiedIndex> {
  try {
    return await indexAsItStands(folder, key, state)
  } catch (error) {
    if (!(error instanceof ProblemFound) || error.problem.file !== indexFile || tries === mostTries) throw error
    return verifiedIndex(folder, key, state, tries + 1)
  }
}

async function indexAsItStands(folder: string, key: KeyObject, state: KeyState | undefined): Promise<VerifiedIndex> {
  const opened = new Map<number, KeyObject>()
  const ended = new Map<number, EndedSegment>()
  const cutLines: CutIndexLine[] = []
  let [stepKey, step, id, torn] = [key, 0, '', 0]
  await assertThere(folder)
  for await (const lines of linesOf(join(folder, indexFile))) {
    for (const line of lines) {
      const found = asIndexEntry(line)
      if (found === undefined) {
        if (line.at(-1) === lineFeed && !mayBeUnwritten(line, step, state)) fail('edited', step, 'the line of the index is no entry')
        torn += line.length
        continue
      }
      if (torn > 0) fail('inserted', step, 'bytes that are no line stand before this line of the index')
      const entry = authenticEntry(found, step, stepKey)
      if (step > 0 && entry.folder !== id) fail('inserted', step, 'the line of the index is of another folder')
      id = entry.folder
      addEnds(entry, opened, ended)
      if (entry.opens) opened.set(step, derivedKey(stepKey, 'segment'))
      if (entry.cut !== undefined) cutLines.push({ line: step + 1, bytes: entry.cut, isRecorded: true })
      assertSameKey(state, step, stepKey)
      stepKey = derivedKey(stepKey, 'next')
      step++
    }
  }
  assertEnd(step, torn, stepKey, state)
  if (state !== undefined && state.folder !== id) throw notOfThisChain()
  if (torn > 0) cutLines.push({ line: step + 1, bytes: torn, isRecorded: false })
  return {
    folder: id,
    length: step,
    opened,
    ended,
    cutLines,
    isWhole: state !== undefined,
    keyStep: state?.step,
    unfinished: state?.unused.find((unused) => unused === state.step - 1),
  }
}

async function assertThere(folder: string): Promise<void> {
  const isThere = (await readdir(folder)).includes(indexFile)
  if (isThere && (await isRegularFile(join(folder, indexFile)))) return
  fail('missing', 0, 'the index is gone, or this is no folder of an audit trail')
}

/**
 * How a segment ended is said once, and holds for ever. That it was never used, whoever comes next finds and says at once; later it would hide that somebody
 * removed it.
 */
function addEnds(entry: Entry, opened: ReadonlyMap<number, KeyObject>, ended: Map<number, EndedSegment>): void {
  for (const segment of entry.ended) {
    const isOpen = opened.has(segment.step) && !ended.has(segment.step)
    if (!isOpen) fail('inserted', entry.step, 'the line tells the end of a segment that was not open')
    const isTooLate = segment.found === 'unused' && segment.step !== entry.step - 1
    if (isTooLate) fail('inserted', entry.step, 'the line says of a segment that it was never used, too late to know')
    ended.set(segment.step, segment)
  }
}

/**
 * A power cut may leave zeros for the beginning of a line whose end had come to the disk. The folder's key says that no step is missing before it; without
 * that, or if it is further, the line stands where another one was.
 */
function mayBeUnwritten(line: Buffer, step: number, state: KeyState | undefined): boolean {
  return line.includes(0) && state !== undefined && state.step <= step
}

function assertEnd(step: number, torn: number, key: KeyObject, state: KeyState | undefined): void {
  if (step === 0) fail('missing', step, 'the index is empty')
  assertSameKey(state, step, key)
  if (state !== undefined && state.step > step) assertFurther(state, step, key)
  if (torn > maxEntryBytes) fail('inserted', step, 'more stands behind the last line of the index than a process leaves that dies')
}

/** What `key.json` says of its step counts only if the key is that of this step. */
function assertFurther(state: KeyState, step: number, key: KeyObject): never {
  const steps = state.step - step
  if (steps <= mostKeysBeyond && state.key.equals(laterKey(key, steps)))
    return fail('truncated', step, "the folder's key is further than its index")
  throw notOfThisChain()
}

/** Of the line of this step. */
function fail(what: ProblemFound['problem']['what'], step: number, explanation: string): never {
  throw new ProblemFound({ what, file: indexFile, line: step + 1, explanation })
}

/** Somebody saw more of it, and this says so. */
export function indexTruncated(lines: number, { file, line }: Pick<Checkpoint, 'file' | 'line'>): ProblemFound {
  return new ProblemFound({
    what: 'truncated',
    file: indexFile,
    line: lines + 1,
    explanation: `a checkpoint says that the index was longer: line ${line} of ${file}`,
  })
}

const lineFeed = 0x0a

function authenticEntry(entry: Entry, step: number, key: KeyObject): Entry {
  if (entry.step === step && isAuthentic(entry, key)) return entry
  const { what, explanation } = whatIsWrong(entry, step)
  return fail(what, step, explanation)
}

function whatIsWrong(entry: Entry, step: number): Pick<ProblemFound['problem'], 'what' | 'explanation'> {
  if (entry.step > step) return { what: 'missing', explanation: 'a line of the index is missing before this one, or two changed places' }
  if (entry.step < step) return { what: 'duplicated', explanation: 'a line of the index stands here a second time, or out of order' }
  if (step > 0) return { what: 'edited', explanation: 'the line of the index is not as it was sealed' }
  return { what: 'wrong key', explanation: "the key is not this folder's, or the first line of its index was edited" }
}

/** Nobody can make the key of a step that is over, so a key that is another one was put there. */
function assertSameKey(state: KeyState | undefined, step: number, key: KeyObject): void {
  if (state?.step === step && !state.key.equals(key)) throw notOfThisChain()
}

function notOfThisChain(): ProblemFound {
  return new ProblemFound({ what: 'edited', file: keyFile, line: 1, explanation: "the folder's key is not of this chain" })
}
