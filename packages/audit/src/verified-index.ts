import type { KeyObject } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { ProblemFound } from './audit-problem.ts'
import { asIndexEntry, type EndedSegment, type IndexEntry, isAuthentic, maxEntryBytes } from './folder-index.ts'
import { derivedKey } from './key-chain.ts'
import type { KeyState } from './key-file.ts'
import { indexFile, linesOf } from './segment-reader.ts'

/**
 * A line of the index that was not finished: its process died while it wrote it, or is at it; or somebody added bytes that are no line. No step was taken with
 * it and nothing depends on it.
 */
export interface CutIndexLine {
  /** The number that it would have had. */
  readonly line: number
  /** How much of it was there. */
  readonly bytes: number
  /** The process that came next said so, and wrote its own line in its place. `false`: it stands at the end of the index. */
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
  /** The step that the folder's key is for: all before it but `unused` were finished, and have a segment if they opened one. Absent in a copy without it. */
  readonly keyStep: number | undefined
  /** Steps whose opening was not finished, as the folder's key says until the next line of the index does: both are written with the same key. */
  readonly unused: readonly number[]
}

type Entry = IndexEntry & { readonly mac: string }

/** Whoever takes a step may put its line in the place of one that was not finished, under the reader, who then finds a part of each. */
const mostTries = 3

/** Throws `ProblemFound` at the first line that is not as it was sealed. `state` is the folder's key, read before; absent in a copy without it. */
export async function verifiedIndex(folder: string, key: KeyObject, state: KeyState | undefined, tries = 1): Promise<VerifiedIndex> {
  try {
    return await indexAsItStands(folder, key, state)
  } catch (error) {
    if (!(error instanceof ProblemFound) || tries === mostTries) throw error
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
      if (torn > 0) fail('inserted', step, 'bytes that are no line stand before this line of the index')
      if (line.at(-1) !== lineFeed) {
        torn = line.length
        continue
      }
      const entry = authenticEntry(line, step, stepKey)
      id = entry.folder
      if (entry.opens) opened.set(step, derivedKey(stepKey, 'segment'))
      for (const segment of entry.ended) ended.set(segment.step, segment)
      if (entry.cut !== undefined) cutLines.push({ line: step + 1, bytes: entry.cut, isRecorded: true })
      assertSameKey(state, step, stepKey)
      stepKey = derivedKey(stepKey, 'next')
      step++
    }
  }
  assertEnd(step, torn, stepKey, state)
  if (torn > 0) cutLines.push({ line: step + 1, bytes: torn, isRecorded: false })
  return {
    folder: id,
    length: step,
    opened,
    ended,
    cutLines,
    isWhole: state !== undefined,
    keyStep: state?.step,
    unused: state?.unused ?? [],
  }
}

async function assertThere(folder: string): Promise<void> {
  if ((await readdir(folder)).includes(indexFile)) return
  fail('missing', 0, 'the index is gone, or this is no folder of an audit trail')
}

function assertEnd(step: number, torn: number, key: KeyObject, state: KeyState | undefined): void {
  if (step === 0) fail('missing', step, 'the index is empty')
  assertSameKey(state, step, key)
  if (state !== undefined && state.step > step) fail('truncated', step, "the folder's key is further than its index")
  if (torn > maxEntryBytes) fail('inserted', step, 'more stands behind the last line of the index than a process leaves that dies')
}

/** Of the line of this step. */
function fail(what: ProblemFound['problem']['what'], step: number, explanation: string): never {
  throw new ProblemFound({ what, file: indexFile, line: step + 1, explanation })
}

const lineFeed = 0x0a

function authenticEntry(line: Buffer, step: number, key: KeyObject): Entry {
  const entry = asIndexEntry(line)
  if (entry !== undefined && entry.step === step && isAuthentic(entry, key)) return entry
  const { what, explanation } = whatIsWrong(entry, step)
  return fail(what, step, explanation)
}

function whatIsWrong(entry: Entry | undefined, step: number): Pick<ProblemFound['problem'], 'what' | 'explanation'> {
  if (entry === undefined) return { what: 'edited', explanation: 'the line of the index is no entry' }
  if (entry.step > step) return { what: 'missing', explanation: 'a line of the index is missing before this one, or two changed places' }
  if (entry.step < step) return { what: 'duplicated', explanation: 'a line of the index stands here a second time, or out of order' }
  if (step > 0) return { what: 'edited', explanation: 'the line of the index is not as it was sealed' }
  return { what: 'wrong key', explanation: "the key is not this folder's, or the first line of its index was edited" }
}

/** Nobody can make the key of a step that is over, so a key that is another one was put there. */
function assertSameKey(state: KeyState | undefined, step: number, key: KeyObject): void {
  if (state?.step !== step || state.key.equals(key)) return
  throw new ProblemFound({ what: 'edited', file: 'key.json', line: 1, explanation: "the folder's key is not of this chain" })
}
