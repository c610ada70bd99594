import { randomUUID } from 'node:crypto'
import { fstatSync, statSync } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, unlink, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { SecretsError } from '@finchat/secrets-core'
import { endedSegment, lockOf, unusedSegment } from './ended-segment.ts'
import { FileLock } from './file-lock.ts'
import { folderError } from './folder-errors.ts'
import {
  appendToIndex,
  brokenIndex,
  createIndex,
  type EndedSegment,
  type IndexEnd,
  indexEnd,
  indexLine,
  isAuthentic,
} from './folder-index.ts'
import { derivedKey, keyText, randomKey } from './key-chain.ts'
import { dropPreparedKey, eraseKey, keyFile, type KeyState, prepareKey, putKey, readKey, readKeyNow, replaceKey } from './key-file.ts'
import { indexFile } from './segment-reader.ts'
import { syncFolder } from './synced.ts'
import { DamagedArchive } from './unpacked-file.ts'

/** For the auditor alone. */
export interface AuditorsKey {
  /** The folder's id, which stands in every segment. */
  readonly folder: string
  /** `audit-key:…`. Whoever has it can verify, and forge, all that is ever written to the folder. Nothing on the host keeps it. */
  readonly key: string
}

/**
 * Makes a folder ready for `jsonLinesFile`, and returns the first key of its chain: take it off the host, to where only the auditor
 * reads it. The folder keeps the next one, which verifies nothing that was written before it. Throws `CONFIGURATION` for a folder that has been made
 * ready, or is not empty, and `AUDIT_FAILED` if it cannot be written.
 *
 * @example
 * import { initAuditFolder } from '@finchat/secrets-audit'
 *
 * const { key } = await initAuditFolder('audit')
 * console.log(key.startsWith('audit-key:')) // true
 */
export async function initAuditFolder(folder: string): Promise<AuditorsKey> {
  if (typeof folder !== 'string' || folder === '' || folder.includes('\0'))
    throw new SecretsError('CONFIGURATION', '`folder` is no path', { remedy: 'name a folder' })
  const path = resolve(folder)
  try {
    await mkdir(path, { recursive: true, mode: 0o700 })
    const names = await readdir(path)
    if (names.length > 0) throw notEmpty(path, names.includes(keyFile))
    const [id, first] = [randomUUID(), randomKey()]
    await createIndex(join(path, indexFile), indexLine({ ...origin(id, 0), opens: false, ended: [] }, first)).catch(asNotEmpty(path))
    await replaceKey(path, { folder: id, step: 1, key: derivedKey(first, 'next'), live: [], unused: [] })
    return { folder: id, key: keyText(first) }
  } catch (error) {
    throw folderError(error, path)
  }
}

/** Another process makes it ready at the same time: of two first keys, one would verify nothing. */
const asNotEmpty =
  (path: string) =>
  (error: unknown): never => {
    throw error instanceof Error && 'code' in error && error.code === 'EEXIST' ? notEmpty(path, true) : error
  }

function notEmpty(path: string, isReady: boolean): SecretsError {
  return new SecretsError(
    'CONFIGURATION',
    `the folder ${JSON.stringify(path)} of the audit trail ${isReady ? 'already has a key' : 'is not empty'}`,
    {
      remedy: isReady
        ? 'use it as it is: a second key would make all before unverifiable; if its key is lost, name a new folder, and keep that key'
        : 'name a new folder',
    },
  )
}

function origin(folder: string, step: number): { v: 1; folder: string; step: number; time: number; host: string; pid: number } {
  return { v: 1, folder, step, time: Date.now(), host: hostname(), pid: process.pid }
}

/** A step of the folder's key, taken. */
export interface Step {
  readonly folder: string
  readonly step: number
  readonly key: KeyState['key']
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
export async function takeStep(folder: string, options: StepOptions): Promise<Step> {
  const state = await readKey(folder)
  const own = options.ended.filter((one) => one.folder === state.folder).map(({ segment }) => segment)
  // Before the folder is locked: a large segment takes a while to read, for which nobody else should wait.
  const dead = await deadSegments(folder, othersOf(state, own).slice(0, options.mostLooks ?? usualLooks))
  try {
    return await lockedStep(folder, [...own, ...dead.map(({ segment }) => segment)], options)
  } finally {
    for (const { lock } of dead) lock.release()
  }
}

/**
 * Takes a step for the ends of segments whose processes died, if there are any among `most` that
 * are looked at. Returns its number. A crowd of processes looks at all of them in a while, each at
 * a few.
 */
export async function recordDeadSegments(folder: string, most: number, patienceMs: number): Promise<number | undefined> {
  const dead = await deadSegments(folder, othersOf(await readKey(folder), []).slice(0, most))
  try {
    if (dead.length === 0) return undefined
    const ended = dead.map(({ segment }) => segment)
    return (await lockedStep(folder, ended, { patienceMs })).step
  } finally {
    for (const { lock } of dead) lock.release()
  }
}

/** In an order of chance: of hundreds, each process looks at others. */
function othersOf({ live }: KeyState, own: readonly EndedSegment[]): readonly number[] {
  const others = live.filter((step) => !own.some((ended) => ended.step === step)).map((step) => ({ step, at: Math.random() }))
  return others.toSorted((one, other) => one.at - other.at).map(({ step }) => step)
}

/**
 * As little as can be is done while the folder is locked, and that side by side: hundreds of
 * processes may wait for it.
 */
async function lockedStep(
  folder: string,
  ended: readonly EndedSegment[],
  { open: openSegment, patienceMs = usualPatienceMs, signal }: Omit<StepOptions, 'ended'>,
): Promise<Step> {
  let file = await open(join(folder, indexFile), 'r+')
  let [lock, old]: [FileLock | undefined, FileHandle | undefined] = [undefined, undefined]
  try {
    lock = await FileLock.take(join(folder, folderLock), patienceMs, signal)
    file = await indexInPlace(file, folder)
    // Whoever took the last step may have died before it was on the disk, and a power cut must not leave what is written next without it.
    await Promise.all([file.sync(), syncFolder(folder)])
    const index = indexEnd(file, folder)
    const state = await currentState(folder, index)
    // Another process may have found one of them ended, and recorded it, before the folder was locked.
    const own = ended.filter((segment) => state.live.includes(segment.step))
    // What was not finished comes first: in any other line than this one, nobody would believe it.
    const found = [...state.unused.map(unusedSegment), ...own].slice(0, mostEnded)
    const step: Step = { folder: state.folder, step: state.step, key: state.key }
    const cut = index.cut.length === 0 ? {} : { cut: index.cut.length }
    const entry = { ...origin(state.folder, state.step), opens: openSegment !== undefined, ended: found, ...cut }
    if (index.cut.length > 0) await keepCut(join(folder, cutName(state.step)), index.cut)
    await appendToIndex(file, indexLine(entry, state.key), index.end)
    old = await openedBeside(folder, nextState(state, entry), () => openSegment?.(step))
    putKey(folder)
    lock.release()
    await eraseKey(folder, old)
    await Promise.all([...ended, ...found].map(({ step: over }) => unlink(lockOf(folder, over)).catch(() => {})))
    return step
  } finally {
    lock?.release()
    await Promise.all([file.close(), old?.close()])
  }
}

/** The segment is created, and its name on disk, while the next key is put beside this one. */
async function openedBeside(folder: string, next: KeyState, openSegment: () => Promise<void> | undefined): Promise<FileHandle | undefined> {
  const [opened, prepared] = await Promise.allSettled([openSegment(), prepareKey(folder, next)])
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
  if (last.folder !== state.folder) throw brokenIndex(folder)
  if (last.step === state.step - 1) return state
  if (last.step !== state.step || !isAuthentic(last, state.key)) throw brokenIndex(folder)
  const { live, ...next } = nextState(state, last)
  const finished = {
    ...next,
    live: live.filter((step) => step !== last.step),
    unused: last.opens ? [...next.unused, last.step] : next.unused,
  }
  await replaceKey(folder, finished)
  return finished
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
    key: derivedKey(key, 'next'),
    live: opens ? [...left, step] : left,
    unused: unused.filter((one) => !over.has(one)),
  }
}

/** What a process that died has left, and its lock, which keeps others from recording it as well. */
interface DeadSegment {
  readonly segment: EndedSegment
  readonly lock: FileLock
}

/** Who lives has its segment's lock. */
async function deadSegments(folder: string, steps: readonly number[]): Promise<readonly DeadSegment[]> {
  const found: DeadSegment[] = []
  for (const step of steps) {
    const lock = FileLock.tryTake(lockOf(folder, step))
    if (lock === undefined) continue
    try {
      found.push({ segment: await endedSegment(folder, step), lock })
    } catch (error) {
      lock.release()
      if (error instanceof DamagedArchive) continue // what cannot be read to its end must not be said to be its end
      for (const { lock: taken } of found) taken.release()
      throw error
    }
  }
  return found
}
