import { closeSync, openSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { SecretsError } from '@finchat/secrets-core'
import { shownPath } from './folder-errors.ts'
import { lockError } from './lock-errors.ts'

/**
 * A lock that the system drops when its process ends, however it ends, and that holds between processes and within one. Node.js has no such call of its
 * own, but SQLite takes one for a transaction that has begun to write; nothing is ever written, and the file stays empty. No other code
 * may open the file: closing it would drop the lock (POSIX).
 */
export class FileLock {
  readonly #connection: DatabaseSync

  private constructor(connection: DatabaseSync) {
    this.#connection = connection
  }

  /** The lock, or `undefined` if somebody has it, or just had it and removed its file. Throws `AUDIT_FAILED` if it cannot be taken. */
  static tryTake(path: string): FileLock | undefined {
    create(path)
    let connection: DatabaseSync | undefined
    try {
      connection = new (loadSqlite().DatabaseSync)(path, { timeout: 0 })
      connection.exec('BEGIN IMMEDIATE')
      return new FileLock(connection)
    } catch (error) {
      connection?.close()
      if (isHeld(error)) return undefined
      throw lockError(path, error)
    }
  }

  /** Throws `AUDIT_FAILED` if somebody has it for longer than `patienceMs`. */
  static async take(path: string, patienceMs: number): Promise<FileLock> {
    const end = performance.now() + patienceMs
    for (let longest = 1; ; longest = Math.min(longest * 2, longestPauseMs)) {
      const lock = FileLock.tryTake(path)
      if (lock !== undefined) return lock
      if (performance.now() >= end) throw held(path)
      await new Promise((resolve) => setTimeout(resolve, 1 + Math.random() * longest))
    }
  }

  release(): void {
    if (this.#connection.isOpen) this.#connection.close()
  }
}

function held(path: string): SecretsError {
  return new SecretsError('AUDIT_FAILED', `another process has had the lock ${shownPath(path)} of the audit trail for too long`, {
    remedy: 'let it go on, or end it, if it is stopped or its disk hangs',
  })
}

const longestPauseMs = 20
const sqliteBusy = 5
/** The file was removed after it had been opened: by who had the lock, and is done with what it is for. */
const sqliteFileGone = 1802

/** For its owner alone, unlike a file that SQLite creates. */
function create(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600))
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
}

function isHeld(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && (error.errcode === sqliteBusy || error.errcode === sqliteFileGone)
}

/** Node.js 22 warns that SQLite is experimental; what is used of it here has not changed since. Every other warning passes. */
function loadSqlite(): typeof import('node:sqlite') {
  const emitWarning = process.emitWarning
  process.emitWarning = (warning: string | Error, ...rest: unknown[]): void => {
    if (!String(warning).startsWith('SQLite is an experimental feature')) Reflect.apply(emitWarning, process, [warning, ...rest])
  }
  try {
    return process.getBuiltinModule('node:sqlite')
  } finally {
    process.emitWarning = emitWarning
  }
}
