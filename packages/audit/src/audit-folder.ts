import { randomUUID } from 'node:crypto'
import { mkdir, readdir, unlink, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { SecretsError } from '@finchat/secrets-core'
import { endedSegment, lockOf, unusedSegment } from './ended-segment.ts'
import { FileLock } from './file-lock.ts'
import { folderError } from './folder-errors.ts'
import { appendToIndex, brokenIndex, type EndedSegment, type IndexEnd, indexEnd, indexLine, isAuthentic } from './folder-index.ts'
import { derivedKey, keyText, randomKey } from './key-chain.ts'
import { keyFile, type KeyState, readKey, replaceKey } from './key-file.ts'
import { indexFile } from './segment-reader.ts'
import { syncFile, syncFolder } from './synced.ts'

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
    await appendToIndex(join(path, indexFile), indexLine({ ...origin(id, 0), opens: false, ended: [] }, first)).catch(asNotEmpty(path))
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
}

/** How long another process may take for its step. */
const lockPatienceMs = 5_000
const folderLock = 'folder.lock'
/** Where what stood in the place of this step's line is kept: nothing depends on it, but somebody may want to know what it was. */
const cutName = (step: number): string => `index-${String(step).padStart(8, '0')}.cut`
/** An entry must not grow without bound; what is left waits for the next step. */
const mostEnded = 100

/**
 * Takes the next step of the folder's key: writes its line to the index, lets `open` create the segment, and only then puts the next key in the
 * place of this one. A process that dies in between leaves a line without effect, which whoever comes next finds and goes on from; or half a line, and then the
 * line of whoever comes next stands in its place and says so, and the half is kept in a file of its own.
 */
export async function takeStep(folder: string, { ended, open }: StepOptions): Promise<Step> {
  const state = await readKey(folder)
  const own = ended.filter((one) => one.folder === state.folder).map(({ segment }) => segment)
  // Before the folder is locked: a large segment takes a while to read, for which nobody else should wait.
  const dead = await deadSegments(folder, state, own)
  try {
    return await lockedStep(folder, [...own, ...dead.map(({ segment }) => segment)], open)
  } finally {
    for (const { lock } of dead) lock.release()
  }
}

async function lockedStep(folder: string, ended: readonly EndedSegment[], open: StepOptions['open']): Promise<Step> {
  const lock = await FileLock.take(join(folder, folderLock), lockPatienceMs)
  try {
    await syncLastStep(folder)
    const index = await indexEnd(join(folder, indexFile))
    const state = await currentState(folder, index)
    // Another process may have found one of them ended, and recorded it, before the folder was locked.
    const own = ended.filter((segment) => state.live.includes(segment.step))
    // What was not finished comes first: in any other line than this one, nobody would believe it.
    const found = [...state.unused.map(unusedSegment), ...own].slice(0, mostEnded)
    const step: Step = { folder: state.folder, step: state.step, key: state.key }
    const cut = index.cut.length === 0 ? {} : { cut: index.cut.length }
    const entry = { ...origin(state.folder, state.step), opens: open !== undefined, ended: found, ...cut }
    if (index.cut.length > 0) await keepCut(join(folder, cutName(state.step)), index.cut)
    await appendToIndex(join(folder, indexFile), indexLine(entry, state.key), index.end)
    await open?.(step)
    await syncFolder(folder)
    await replaceKey(folder, nextState(state, entry))
    for (const { step: over } of [...ended, ...found]) await unlink(lockOf(folder, over)).catch(() => {})
    return step
  } finally {
    lock.release()
  }
}

/** Behind what was kept before: a step that failed on a full disk is tried again, and then has its own unfinished line to keep. */
async function keepCut(path: string, cut: Buffer): Promise<void> {
  await writeFile(path, cut, { flag: 'a', mode: 0o600, flush: true })
}

/** Whoever took it may have died before it was on the disk, and a power cut must not leave what is written next without it. */
async function syncLastStep(folder: string): Promise<void> {
  await syncFile(join(folder, indexFile))
  await syncFolder(folder)
}

/** The state to go on from; a step that was begun and not finished is finished first. */
async function currentState(folder: string, { last }: IndexEnd): Promise<KeyState> {
  const state = await readKey(folder)
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
async function deadSegments(folder: string, { live }: KeyState, known: readonly EndedSegment[]): Promise<readonly DeadSegment[]> {
  const found: DeadSegment[] = []
  for (const step of live.filter((one) => !known.some((ended) => ended.step === one))) {
    if (found.length === mostEnded) break
    const lock = FileLock.tryTake(lockOf(folder, step))
    if (lock === undefined) continue
    try {
      found.push({ segment: await endedSegment(folder, step), lock })
    } catch (error) {
      for (const { lock: taken } of [...found, { lock }]) taken.release()
      throw error
    }
  }
  return found
}
