import { closeSync, openSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { fileFailure, jittered, loadBuiltin, pause, SecretsError } from '@finchat/secrets-core/provider'
import { folderError, shownPath } from '../format/folder-errors.ts'

/**
 * A lock between processes and within one, which the system drops when its process ends. Node.js
 * has no such call, so SQLite takes one: for a transaction that never writes, on a file that stays
 * empty. No other code may open the file, since closing it drops the lock (POSIX).
 */
export class FileLock {
  readonly #path: string
  readonly #connection: DatabaseSync
  readonly #file: number | undefined

  private constructor(path: string) {
    create(path)
    this.#path = path
    this.#file = inodeOf(path)
    try {
      this.#connection = new (loadBuiltin('node:sqlite', 'the audit trail').DatabaseSync)(path, { timeout: 0 })
    } catch (error) {
      throw lockError(path, error)
    }
  }

  /**
   * `undefined` if another process has the lock, or just removed its file. Throws `AUDIT_FAILED` if
   * the file cannot be locked.
   */
  static tryTake(path: string): FileLock | undefined {
    const lock = new FileLock(path)
    if (lock.#begin() === 'taken') return lock
    lock.release()
    return undefined
  }

  /**
   * Throws `AUDIT_FAILED` if others keep the lock for longer than `patienceMs`, or when the signal
   * aborts. The file is opened once, and polled ever more seldom, since hundreds of processes may
   * wait.
   */
  static async take(path: string, patienceMs: number, signal?: AbortSignal): Promise<FileLock> {
    const end = performance.now() + patienceMs
    let lock = new FileLock(path)
    for (let longest = 1; ; longest = Math.min(longest * 2, longestPauseMs)) {
      const outcome = lock.#begin()
      if (outcome === 'taken' && lock.#isInPlace()) return lock
      if (outcome !== 'held') {
        lock.release()
        lock = new FileLock(path)
      }
      const leftMs = end - performance.now()
      if (leftMs <= 0 || signal?.aborted === true) {
        lock.release()
        throw lockHeld(path)
      }
      await pause(Math.min(leftMs, jittered(longest)), signal)
    }
  }

  #begin(): 'taken' | 'held' | 'gone' {
    try {
      this.#connection.exec('BEGIN IMMEDIATE')
      return 'taken'
    } catch (error) {
      const code = codeOf(error)
      if (code === sqliteBusy) return 'held'
      if (code === sqliteFileGone) return 'gone'
      this.release()
      throw lockError(this.#path, error)
    }
  }

  /** The folder may have been replaced in the meantime. */
  #isInPlace(): boolean {
    return inodeOf(this.#path) === this.#file
  }

  release(): void {
    if (this.#connection.isOpen) this.#connection.close()
  }
}

export function lockHeld(path: string): SecretsError {
  return new SecretsError('AUDIT_FAILED', `other processes have had the lock ${shownPath(path)} of the audit trail for too long`, {
    remedy: 'if one is stopped or its disk hangs, end it; if very many start at once, start them one after the other',
  })
}

const longestPauseMs = 100
const sqliteBusy = 5
/** The last holder removed the file. */
const sqliteFileGone = 1802

/** Mode 0600, unlike a file that SQLite creates. */
function create(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600))
  } catch (error) {
    if (fileFailure(error) !== 'exists') throw error
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'errcode' in error ? error.errcode : undefined
}

/** Does not open it, since closing would drop the lock. */
function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino
}

type Said = readonly [problem: string, remedy: string]

const cannotLock: Said = ['its file system has no locks', 'keep the folder on a local disk']
const isNotEmpty: Said = ['the file holds something', 'remove it while no process uses the folder']

/**
 * By SQLite's result code (https://www.sqlite.org/rescode.html): the extended code, then its last
 * byte.
 */
const table: ReadonlyMap<number, Said> = new Map([
  [8, ['it is read-only', 'mount its file system writable, or give this process the right to write']],
  [11, isNotEmpty],
  [14, ['the file cannot be opened', 'let the user that this process runs as own the folder and what is in it']],
  [26, isNotEmpty],
  [2058, cannotLock],
  [2314, cannotLock],
  [3594, cannotLock],
  [3850, cannotLock],
])

/** Failures of the disk, not of the lock. */
const ofDisk: ReadonlyMap<number, string> = new Map([
  [10, 'EIO'],
  [13, 'ENOSPC'],
])

/** Never quotes SQLite's own message. */
function lockError(path: string, error: unknown): SecretsError {
  const code = error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode : 0
  const said = table.get(code) ?? table.get(code & 0xff)
  const systemCode = said ? undefined : ofDisk.get(code & 0xff)
  if (systemCode !== undefined) return folderError(Object.assign(new Error(), { code: systemCode }), dirname(path))
  const [problem, remedy] = said ?? [`SQLite says ${code}`, 'look at the file, and keep the folder on a local disk']
  return new SecretsError('AUDIT_FAILED', `the lock ${shownPath(path)} of the audit trail cannot be taken: ${problem}`, { remedy })
}
