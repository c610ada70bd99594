import { closeSync, openSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { types } from 'node:util'
import { fileFailure, jittered, loadBuiltin, pause, SecretsError } from '@finchat/secrets-core/provider'
import { folderError, shownPath } from '../disk/folder-errors.ts'

/** How a lock is waited for. */
export interface LockWait {
  readonly patienceMs: number
  readonly signal?: AbortSignal | undefined
  /** Resolves once a record waits. Default: one does from the start. */
  readonly urgent?: Promise<void> | undefined
}

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
   * aborts. The file is opened once, and polled at the pace of `pauseAfter`.
   */
  static async take(path: string, { patienceMs, signal, urgent }: LockWait): Promise<FileLock> {
    const start = performance.now()
    let urgentAt = urgent === undefined ? start : Infinity
    void urgent?.then(() => (urgentAt = performance.now()))
    let lock = new FileLock(path)
    for (let polls = 1; ; polls++) {
      const outcome = lock.#begin()
      if (outcome === 'taken' && lock.#isInPlace()) return lock
      if (outcome !== 'held') {
        lock.release()
        lock = new FileLock(path)
      }
      const now = performance.now()
      const leftMs = start + patienceMs - now
      if (leftMs <= 0 || signal?.aborted === true) {
        lock.release()
        throw lockHeld(path)
      }
      await pause(Math.min(leftMs, jittered(pauseAfter(polls, now - urgentAt))), signal, urgentAt === Infinity ? urgent : undefined)
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

const pauses = { firstMs: 10, idleMs: 500, youngMs: 250, oldMs: 50, oldAfterMs: 3_000 }

/**
 * A poll wakes the process, which costs 0.3 ms of a processor: hundreds that wait must not take it
 * from the one that has the lock. Those that no record waits for yet poll least, those that one has
 * waited for longest poll most.
 */
function pauseAfter(polls: number, urgentMs: number): number {
  const { firstMs, idleMs, youngMs, oldMs, oldAfterMs } = pauses
  const longestMs = urgentMs < 0 ? idleMs : youngMs - Math.min(1, urgentMs / oldAfterMs) * (youngMs - oldMs)
  return Math.min(firstMs * 2 ** (polls - 1), longestMs)
}

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
  return types.isNativeError(error) && 'errcode' in error ? error.errcode : undefined
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
  [14, ['the file cannot be opened', 'make the user of this process the owner of the folder and of its files']],
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
  const code = types.isNativeError(error) && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode : 0
  const said = table.get(code) ?? table.get(code & 0xff)
  const systemCode = said ? undefined : ofDisk.get(code & 0xff)
  if (systemCode !== undefined) return folderError(Object.assign(new Error(), { code: systemCode }), dirname(path))
  const [problem, remedy] = said ?? [`SQLite says ${code}`, 'look at the file, and keep the folder on a local disk']
  return new SecretsError('AUDIT_FAILED', `the lock ${shownPath(path)} of the audit trail cannot be taken: ${problem}`, { remedy })
}
