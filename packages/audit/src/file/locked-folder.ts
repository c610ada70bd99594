import { fstatSync, statSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { loadOnUse } from '@finchat/secrets-core/provider'
import { type KeyState, nextKeyState, readKeyNow, replaceKey } from '../format/folder-key.ts'
import { syncHandle, syncNames } from '../disk/fsync.ts'
import { appendToIndex, brokenIndex, type IndexEnd, indexEnd, isAuthentic } from '../format/index-line.ts'
import { indexFile } from '../format/segment-reader.ts'
import { FileLock, type LockWait } from './file-lock.ts'

export const folderLock = 'folder.lock'

const nextFolder = { what: 'the next folder of an audit trail', name: '@finchat/secrets-audit' }

/** A process that stays in a folder never needs it. Throws `CONFIGURATION` where its file is missing. */
export function loadSuccessor(): Promise<typeof import('./successor-folder.ts')> {
  return loadOnUse(nextFolder, () => import('./successor-folder.ts'), 'makeSuccessor')
}

/**
 * A folder that no other process changes until `release`. Hundreds may wait, so little is done
 * meanwhile.
 */
export class LockedFolder {
  readonly index: IndexEnd
  /** The folder's key, for the epoch that comes next. */
  readonly state: KeyState
  readonly #folder: string
  readonly #files: OpenFiles
  readonly #lock: FileLock

  private constructor(folder: string, files: OpenFiles, lock: FileLock, index: IndexEnd, state: KeyState) {
    this.#folder = folder
    this.#files = files
    this.#lock = lock
    this.index = index
    this.state = state
  }

  /**
   * First finishes an epoch that a dead process began. Throws `AUDIT_FAILED` if others keep the
   * lock, `INTEGRITY` if the index is not as it was left.
   */
  static async lock(folder: string, wait: LockWait): Promise<LockedFolder> {
    let files = await openFiles(folder)
    let lock: FileLock | undefined
    try {
      lock = await FileLock.take(join(folder, folderLock), wait)
      files = await filesInPlace(files, folder)
      // The last epoch's process may have died before its line was on disk.
      await Promise.all([syncHandle(files.index), syncNames(files.folder)])
      const index = indexEnd(files.index, folder)
      return new LockedFolder(folder, files, lock, index, await currentState(folder, index))
    } catch (error) {
      lock?.release()
      await closeFiles(files)
      throw error
    }
  }

  /** Overwrites what a dying process left behind the last line. */
  append(line: string): Promise<void> {
    return appendToIndex(this.#files.index, line, this.index.end)
  }

  /** Syncs new names in the folder. */
  syncNames(): Promise<void> {
    return syncNames(this.#files.folder)
  }

  /** Replaces the key while `beside` runs. Unlocks the folder once the new key is in place. */
  async replaceKey(next: KeyState, beside: () => Promise<void> | undefined): Promise<void> {
    try {
      await replaceKey(this.#folder, next, { beside, inPlace: () => this.#lock.release() })
    } finally {
      next.key.wipe()
    }
  }

  async release(): Promise<void> {
    this.state.key.wipe()
    this.#lock.release()
    await closeFiles(this.#files)
  }
}

/** Opened before the wait: each return to the event loop under the lock delays all who wait. */
interface OpenFiles {
  readonly index: FileHandle
  readonly folder: FileHandle
}

async function openFiles(path: string): Promise<OpenFiles> {
  const folder = await open(path, 'r')
  try {
    return { index: await open(join(path, indexFile), 'r+'), folder }
  } catch (error) {
    await folder.close()
    throw error
  }
}

async function closeFiles({ index, folder }: OpenFiles): Promise<void> {
  await Promise.all([index.close(), folder.close()])
}

/** The folder may have been replaced during the wait. */
async function filesInPlace(files: OpenFiles, path: string): Promise<OpenFiles> {
  if (isAt(join(path, indexFile), files.index) && isAt(path, files.folder)) return files
  const found = await openFiles(path)
  await closeFiles(files)
  return found
}

function isAt(path: string, { fd }: FileHandle): boolean {
  return statSync(path).ino === fstatSync(fd).ino
}

async function currentState(folder: string, index: IndexEnd): Promise<KeyState> {
  const { last } = index
  const state = readKeyNow(folder)
  if (last.folder === state.folder && last.step === state.step - 1) return state
  try {
    if (last.folder !== state.folder || last.step !== state.step || !isAuthentic(last, state.key)) throw brokenIndex(folder)
    return await finishEpoch(folder, state, index)
  } finally {
    state.key.wipe()
  }
}

/**
 * The line exists and the key was not replaced, so the segment it opened was never used, and the
 * folder that follows may not be ready.
 */
async function finishEpoch(folder: string, state: KeyState, { last, digest }: IndexEnd): Promise<KeyState> {
  if (last.successor !== undefined) {
    const { makeSuccessor } = await loadSuccessor()
    await makeSuccessor(folder, { entry: last, digest }, last.successor, state.key)
  }
  const { live, ...next } = nextKeyState(state, last)
  const unused = last.opens ? [...next.unused, last.step] : next.unused
  const finished = { ...next, live: live.filter((step) => step !== last.step), unused }
  try {
    await replaceKey(folder, finished)
    return finished
  } catch (error) {
    finished.key.wipe()
    throw error
  }
}
