import type { KeyObject } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { ProblemFound } from './audit-problem.ts'
import { asIndexEntry, type EndedSegment, type IndexEntry, isAuthentic } from './folder-index.ts'
import { derivedKey } from './key-chain.ts'
import type { KeyState } from './key-file.ts'
import { indexFile, linesOf } from './segment-reader.ts'

/** What an authentic index says. */
export interface VerifiedIndex {
  readonly folder: string
  /** How many lines it has: one more than its last step. */
  readonly length: number
  /** The key of group 0 of every segment that was opened, by step. */
  readonly opened: ReadonlyMap<number, KeyObject>
  readonly ended: ReadonlyMap<number, EndedSegment>
  /** Whether the folder's key says that this is the whole index. */
  readonly isWhole: boolean
  /** The step that the folder's key is for: all before it were finished, and have a segment if they opened one. Absent in a copy without it. */
  readonly keyStep: number | undefined
}

type Entry = IndexEntry & { readonly mac: string }

/** Throws `ProblemFound` at the first line that is not as it was sealed. `state` is the folder's key, read before; absent in a copy without it. */
export async function verifiedIndex(folder: string, key: KeyObject, state: KeyState | undefined): Promise<VerifiedIndex> {
  const opened = new Map<number, KeyObject>()
  const ended = new Map<number, EndedSegment>()
  let [stepKey, step, id] = [key, 0, '']
  if (!(await readdir(folder)).includes(indexFile)) {
    throw new ProblemFound({
      what: 'missing',
      file: indexFile,
      line: 1,
      explanation: 'the index is gone, or this is no folder of an audit trail',
    })
  }
  for await (const lines of linesOf(join(folder, indexFile))) {
    for (const line of lines) {
      if (line.at(-1) !== lineFeed) continue // a process was at it, or died
      const entry = authenticEntry(line, step, stepKey)
      id = entry.folder
      if (entry.opens) opened.set(step, derivedKey(stepKey, 'segment'))
      for (const segment of entry.ended) ended.set(segment.step, segment)
      assertSameKey(state, step, stepKey)
      stepKey = derivedKey(stepKey, 'next')
      step++
    }
  }
  if (step === 0) throw new ProblemFound({ what: 'missing', file: indexFile, line: 1, explanation: 'the index is empty' })
  assertSameKey(state, step, stepKey)
  if (state !== undefined && state.step > step) {
    throw new ProblemFound({
      what: 'truncated',
      file: indexFile,
      line: step + 1,
      explanation: "the folder's key is further than its index",
    })
  }
  return { folder: id, length: step, opened, ended, isWhole: state !== undefined, keyStep: state?.step }
}

const lineFeed = 0x0a

function authenticEntry(line: Buffer, step: number, key: KeyObject): Entry {
  const entry = asIndexEntry(line)
  if (entry !== undefined && entry.step === step && isAuthentic(entry, key)) return entry
  throw new ProblemFound({ file: indexFile, line: step + 1, ...whatIsWrong(entry, step) })
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
