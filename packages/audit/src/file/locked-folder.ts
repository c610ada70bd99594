import { fstatSync, statSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { type KeyState, nextKeyState, readKeyNow, replaceKey } from '../format/folder-key.ts'
import { syncFolder, syncHandle } from '../format/fsync.ts'
import { appendToIndex, brokenIndex, type IndexEnd, indexEnd, isAuthentic } from '../format/index-line.ts'
import { indexFile } from '../format/segment-reader.ts'
import { FileLock } from './file-lock.ts'

export const folderLock = 'folder.lock'

/**
 * A folder that no other process changes until `release`. Hundreds may wait, so little is done
 * meanwhile.
 */
export class LockedFolder {
  readonly index: IndexEnd
  /** The folder's key, for the epoch that comes next. */
  readonly state: KeyState
  readonly #folder: string
  readonly #file: FileHandle
  readonly #lock: FileLock

  private constructor(folder: string, file: FileHandle, lock: FileLock, index: IndexEnd, state: KeyState) {
    this.#folder = folder
    this.#file = file
    this.#lock = lock
    this.index = index
    this.state = state
  }

  /**
   * Waits for the lock up to `patienceMs`, or until `signal` aborts. First finishes an epoch that a
   * dead process began. Throws `AUDIT_FAILED` if others keep the lock, `INTEGRITY` if the index is
   * not as it was left.
   */
  static async lock(folder: string, patienceMs: number, signal?: AbortSignal): Promise<LockedFolder> {
    let file = await open(join(folder, indexFile), 'r+')
    let lock: FileLock | undefined
    try {
      lock = await FileLock.take(join(folder, folderLock), patienceMs, signal)
      file = await indexInPlace(file, folder)
      // The last epoch's process may have died before its line was on disk.
      await Promise.all([syncHandle(file), syncFolder(folder)])
      const index = indexEnd(file, folder)
      return new LockedFolder(folder, file, lock, index, await currentState(folder, index))
    } catch (error) {
      lock?.release()
      await file.close()
      throw error
    }
  }

  /** Overwrites what a dying process left behind the last line. */
  append(line: string): Promise<void> {
    return appendToIndex(this.#file, line, this.index.end)
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
    await this.#file.close()
  }
}

/** The folder may have been replaced during the wait. */
async function indexInPlace(file: FileHandle, folder: string): Promise<FileHandle> {
  const path = join(folder, indexFile)
  if (statSync(path).ino === fstatSync(file.fd).ino) return file
  const found = await open(path, 'r+')
  await file.close()
  return found
}

async function currentState(folder: string, { last }: IndexEnd): Promise<KeyState> {
  const state = readKeyNow(folder)
  if (last.folder === state.folder && last.step === state.step - 1) return state
  try {
    if (last.folder !== state.folder || last.step !== state.step || !isAuthentic(last, state.key)) throw brokenIndex(folder)
    return await finishEpoch(folder, state, last)
  } finally {
    state.key.wipe()
  }
}

/** The line exists and the key was not replaced, so the segment it opened was never used. */
async function finishEpoch(folder: string, state: KeyState, last: IndexEnd['last']): Promise<KeyState> {
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
