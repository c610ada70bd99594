import { unlink } from 'node:fs/promises'
import { lockOf, unusedSegment } from '../format/end-of-segment.ts'
import { type KeyState, nextKeyState } from '../format/folder-key.ts'
import { type EndedSegment, entryOrigin, type IndexEntry, indexLine } from '../format/index-line.ts'
import { digestOf } from '../record/digest.ts'
import type { LockWait } from './file-lock.ts'
import { loadSuccessor, LockedFolder } from './locked-folder.ts'
import { type OwnSegment, UnrecordedEnds } from './unrecorded-ends.ts'

/** An epoch of the folder: its line in the index. */
export interface Epoch {
  readonly folder: string
  readonly step: number
  /** The hash of the line, base64url. */
  readonly line: string
}

export interface OpenEpoch extends Epoch {
  /** Overwritten when the epoch is over. */
  readonly key: KeyState['key']
  /** Syncs the name of the segment. */
  readonly syncNames: () => Promise<void>
}

/** What an operator adds to the index. */
export type Marks = Pick<IndexEntry, 'pruned' | 'hold' | 'erased' | 'successor'>

/** How the folder's lock is waited for. `patienceMs`: 5,000 by default. */
export interface EpochOptions extends Partial<LockWait> {
  /** The segments that this process ended. */
  readonly ended: readonly OwnSegment[]
  /** Creates the epoch's segment, once its line is in the index. Absent: it opens none. */
  readonly open?: ((epoch: OpenEpoch) => Promise<void>) | undefined
  /** With so many lines the folder opens no segment. Default: it has room. */
  readonly mostEpochs?: number | undefined
  /** How many segments of other processes are checked for being dead. Default: 4. */
  readonly mostLooks?: number | undefined
  /** What the line says beside that, by what precedes it and the state of the folder. */
  readonly mark?: ((line: IndexEntry, state: KeyState) => Marks) | undefined
}

/** The trail goes on in another folder. Never leaves this package. */
export class FolderLeft extends Error {}

/** It is to go on in another. */
export class FolderFull extends FolderLeft {}

const usualPatienceMs = 5_000
/** An epoch costs the same however many processes there are: they share the checks. */
const usualLooks = 4
/** Bounds an entry; the others wait for the next epoch. */
const mostEnded = 100

/**
 * Throws `FolderLeft` if it is to open a segment, and the trail goes on in another folder, or is to
 * (`FolderFull`).
 *
 * Begins the folder's next epoch: appends its line to the index, lets `open` create the segment,
 * and replaces the key. A process that dies in between leaves a line without effect, or half a
 * line. The next process finishes the one; it overwrites the other and records its length.
 */
export async function advanceEpoch(folder: string, options: EpochOptions): Promise<Epoch> {
  // Before the folder is locked: a large segment takes a while to read.
  const ends = await UnrecordedEnds.find(folder, options.ended, options.mostLooks ?? usualLooks)
  try {
    if (options.open !== undefined && ends.next !== undefined) throw new FolderLeft() // without waiting for the lock
    if (options.open !== undefined && ends.step >= (options.mostEpochs ?? Infinity)) throw new FolderFull()
    return await inLockedFolder(folder, ends.segments, options)
  } finally {
    ends.release()
  }
}

/** `undefined` if none of `most` segments that are checked is of a dead process. */
export async function recordDeadSegments(folder: string, most: number, patienceMs: number): Promise<Epoch | undefined> {
  const ends = await UnrecordedEnds.find(folder, [], most)
  try {
    return ends.segments.length === 0 ? undefined : await inLockedFolder(folder, ends.segments, { patienceMs })
  } finally {
    ends.release()
  }
}

async function inLockedFolder(
  folder: string,
  ended: readonly EndedSegment[],
  { open, patienceMs = usualPatienceMs, signal, urgent, mark }: Omit<EpochOptions, 'ended'>,
): Promise<Epoch> {
  const locked = await LockedFolder.lock(folder, { patienceMs, signal, urgent })
  const { state } = locked
  try {
    if (open !== undefined && state.next !== undefined) throw new FolderLeft()
    const next = nextEntry(locked, ended, open !== undefined)
    const entry = { ...next, ...mark?.(next, state) }
    const line = indexLine(entry, state.key)
    await locked.append(line)
    const epoch = { folder: state.folder, step: state.step, line: digestOf(line) }
    const { successor } = entry
    const beside = (): Promise<void> | undefined =>
      successor === undefined
        ? open?.({ ...epoch, key: state.key, syncNames: () => locked.syncNames() })
        : loadSuccessor().then(({ makeSuccessor }) => makeSuccessor(folder, { entry, digest: epoch.line }, successor, state.key))
    await locked.replaceKey(nextKeyState(state, entry), beside)
    await removeLocks(folder, [...ended, ...entry.ended])
    return epoch
  } finally {
    await locked.release()
  }
}

function nextEntry({ index, state }: LockedFolder, ended: readonly EndedSegment[], opens: boolean): IndexEntry {
  // Another process may have recorded one of them meanwhile.
  const unrecorded = ended.filter((segment) => state.live.includes(segment.step))
  // Unused segments come first: verification accepts that only in the next line.
  const recorded = [...state.unused.map(unusedSegment), ...unrecorded].slice(0, mostEnded)
  const cut = index.cut.length === 0 ? {} : { cut: index.cut.length }
  return { ...entryOrigin(state.folder, state.step), before: index.digest, opens, ended: recorded, ...cut }
}

async function removeLocks(folder: string, ended: readonly EndedSegment[]): Promise<void> {
  await Promise.all(ended.map(({ step }) => unlink(lockOf(folder, step)).catch(() => {})))
}
