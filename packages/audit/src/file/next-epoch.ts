import { fstatSync, statSync } from 'node:fs'
import { type FileHandle, open, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { deadSegments, othersOf } from './dead-segments.ts'
import { lockOf, unusedSegment } from '../format/end-of-segment.ts'
import { FileLock } from './file-lock.ts'
import {
  appendToIndex,
  brokenIndex,
  type EndedSegment,
  entryOrigin,
  type IndexEnd,
  indexEnd,
  indexLine,
  isAuthentic,
} from '../format/index-line.ts'
import { dropPreparedKey, eraseKey, type KeyState, prepareKey, putKey, readKey, readKeyNow, replaceKey } from '../format/folder-key.ts'
import { digestOf } from '../format/segment-format.ts'
import { indexFile } from '../format/segment-reader.ts'
import { syncFolder } from '../format/fsync.ts'

/** A step of the folder's key, at which its key is there. */
export interface Step extends TakenStep {
  /** Overwritten when the step is over. */
  readonly key: KeyState['key']
}

/** A step of the folder's key, taken. */
export interface TakenStep {
  readonly folder: string
  readonly step: number
  /** The hash of its line in the index. */
  readonly line: string
}

/** A segment that a process ended itself, and the id of its folder: another one may have been made in the place of that since. */
export interface OwnSegment {
  readonly folder: string
  readonly segment: EndedSegment
}

export interface StepOptions {
  /** What this process knows of segments that it ended itself. */
  readonly ended: readonly OwnSegment[]
  /** Creates the segment; called once its line is in the index, and before the key goes forward. Absent: the step opens none. */
  readonly open?: ((step: Step) => Promise<void>) | undefined
  /** How long others may have the folder's lock. Default: 5,000. */
  readonly patienceMs?: number | undefined
  /** Ends the wait for the lock. */
  readonly signal?: AbortSignal | undefined
  /**
   * How many segments are looked at that others opened, and may have left when they died. Default:
   * 4.
   */
  readonly mostLooks?: number | undefined
}

const usualPatienceMs = 5_000
/** A step must cost the same however many processes there are: they share the looking. */
const usualLooks = 4
export const folderLock = 'folder.lock'
/** Where what stood in the place of this step's line is kept: nothing depends on it, but somebody may want to know what it was. */
const cutName = (step: number): string => `index-${String(step).padStart(8, '0')}.cut`
/** An entry must not grow without bound; what is left waits for the next step. */
const mostEnded = 100

/**
 * Takes the next step of the folder's key: writes its line to the index, lets `open` create the segment, and only then puts the next key in the
 * place of this one. A process that dies in between leaves a line without effect, which whoever comes next finds and goes on from; or half a line, and then the
 * line of whoever comes next stands in its place and says so, and the half is kept in a file of its own.
 */
export async function takeStep(folder: string, options: StepOptions): Promise<TakenStep> {
  const state = await stateOf(folder)
  const own = options.ended.filter((one) => one.folder === state.folder).map(({ segment }) => segment)
  // Before the folder is locked: a large segment takes a while to read, for which nobody else should wait.
  const dead = await deadSegments(folder, othersOf(state, own).slice(0, options.mostLooks ?? usualLooks))
  try {
    return await lockedStep(folder, [...own, ...dead.map(({ segment }) => segment)], options)
  } finally {
    for (const { lock } of dead) lock.release()
  }
}

/** What the folder's key file says beside the key. */
async function stateOf(folder: string): Promise<Omit<KeyState, 'key'>> {
  const { key, ...state } = await readKey(folder)
  key.wipe()
  return state
}

/**
 * Takes a step for the ends of segments whose processes died, if there are any among `most` that
 * are looked at. A crowd of processes looks at all of them in a while, each at
 * a few.
 */
export async function recordDeadSegments(folder: string, most: number, patienceMs: number): Promise<TakenStep | undefined> {
  const dead = await deadSegments(folder, othersOf(await stateOf(folder), []).slice(0, most))
  try {
    if (dead.length === 0) return undefined
    const ended = dead.map(({ segment }) => segment)
    return await lockedStep(folder, ended, { patienceMs })
  } finally {
    for (const { lock } of dead) lock.release()
  }
}

/**
 * As little as can be is done while the folder is locked, and that side by side: hundreds of
 * processes may wait for it.
 */
async function lockedStep(
  folder: string,
  ended: readonly EndedSegment[],
  { open: openSegment, patienceMs = usualPatienceMs, signal }: Omit<StepOptions, 'ended'>,
): Promise<TakenStep> {
  let file = await open(join(folder, indexFile), 'r+')
  let lock: FileLock | undefined
  try {
    lock = await FileLock.take(join(folder, folderLock), patienceMs, signal)
    file = await indexInPlace(file, folder)
    // Whoever took the last step may have died before it was on the disk, and a power cut must not leave what is written next without it.
    await Promise.all([file.sync(), syncFolder(folder)])
    const index = indexEnd(file, folder)
    const state = await currentState(folder, index)
    try {
      return await nextStep({ folder, file, index, state, lock }, ended, openSegment)
    } finally {
      state.key.wipe()
    }
  } finally {
    lock?.release()
    await file.close()
  }
}

/** The folder, while it is locked. */
interface LockedFolder {
  readonly folder: string
  readonly file: FileHandle
  readonly index: IndexEnd
  readonly state: KeyState
  readonly lock: FileLock
}

async function nextStep(
  { folder, file, index, state, lock }: LockedFolder,
  ended: readonly EndedSegment[],
  openSegment: StepOptions['open'],
): Promise<TakenStep> {
  // Another process may have found one of them ended, and recorded it, before the folder was locked.
  const own = ended.filter((segment) => state.live.includes(segment.step))
  // What was not finished comes first: in any other line than this one, nobody would believe it.
  const found = [...state.unused.map(unusedSegment), ...own].slice(0, mostEnded)
  const cut = index.cut.length === 0 ? {} : { cut: index.cut.length }
  const entry = { ...entryOrigin(state.folder, state.step), before: index.digest, opens: openSegment !== undefined, ended: found, ...cut }
  if (index.cut.length > 0) await keepCut(join(folder, cutName(state.step)), index.cut)
  const line = indexLine(entry, state.key)
  await appendToIndex(file, line, index.end)
  const step = { folder: state.folder, step: state.step, line: digestOf(line) }
  const old = await openedBeside(folder, nextState(state, entry), () => openSegment?.({ ...step, key: state.key }))
  try {
    putKey(folder)
    lock.release()
    await eraseKey(folder, old)
  } finally {
    await old?.close()
  }
  await Promise.all([...ended, ...found].map(({ step: over }) => unlink(lockOf(folder, over)).catch(() => {})))
  return step
}

/** The segment is created, and its name on disk, while the next key is put beside this one. */
async function openedBeside(folder: string, next: KeyState, openSegment: () => Promise<void> | undefined): Promise<FileHandle | undefined> {
  const [opened, prepared] = await Promise.allSettled([openSegment(), prepareKey(folder, next)])
  next.key.wipe()
  if (opened.status === 'fulfilled' && prepared.status === 'fulfilled') return prepared.value
  await dropPreparedKey(folder)
  if (prepared.status === 'fulfilled') await prepared.value?.close()
  throw opened.status === 'rejected' ? opened.reason : prepared.status === 'rejected' ? prepared.reason : undefined
}

/** Behind what was kept before: a step that failed on a full disk is tried again, and then has its own unfinished line to keep. */
async function keepCut(path: string, cut: Buffer): Promise<void> {
  await writeFile(path, cut, { flag: 'a', mode: 0o600, flush: true })
}

/** While the lock was waited for, another folder may have been put in the place of this one. */
async function indexInPlace(file: FileHandle, folder: string): Promise<FileHandle> {
  const path = join(folder, indexFile)
  if (statSync(path).ino === fstatSync(file.fd).ino) return file
  const found = await open(path, 'r+')
  await file.close()
  return found
}

/** The state to go on from; a step that was begun and not finished is finished first. */
async function currentState(folder: string, { last }: IndexEnd): Promise<KeyState> {
  const state = readKeyNow(folder)
  if (last.folder === state.folder && last.step === state.step - 1) return state
  try {
    if (last.folder !== state.folder || last.step !== state.step || !isAuthentic(last, state.key)) throw brokenIndex(folder)
    return await finished(folder, state, last)
  } finally {
    state.key.wipe()
  }
}

/** Nothing was opened with it, whatever its line says. */
async function finished(folder: string, state: KeyState, last: IndexEnd['last']): Promise<KeyState> {
  const { live, ...next } = nextState(state, last)
  const unused = last.opens ? [...next.unused, last.step] : next.unused
  const over = { ...next, live: live.filter((step) => step !== last.step), unused }
  try {
    await replaceKey(folder, over)
    return over
  } catch (error) {
    over.key.wipe()
    throw error
  }
}

/** All that the entry says to have ended is in the index now. */
function nextState(
  { folder, step, key, live, unused }: KeyState,
  { opens, ended }: { opens: boolean; ended: readonly EndedSegment[] },
): KeyState {
  const over = new Set(ended.map((segment) => segment.step))
  const left = live.filter((one) => !over.has(one))
  return {
    folder,
    step: step + 1,
    key: key.derived('next'),
    live: opens ? [...left, step] : left,
    unused: unused.filter((one) => !over.has(one)),
  }
}
