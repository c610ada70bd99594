import { SecretsError, type SecretsErrorCode } from '@finchat/secrets-core'
import { diskFailed, diskFull, isDiskFull } from '../shared/file-errors.ts'
import { altered } from './columns.ts'
import { notAStore } from './schema.ts'

/**
 * Primary result codes (sqlite.org/rescode.html). Calls that meet a held lock are retried; any
 * other code is `INTERNAL`.
 */
const table: Readonly<Record<number, (path?: string) => SecretsError>> = {
  1: altered, // ERROR: our statements are right, so the tables are not ours
  3: notPermitted, // PERM
  7: () => unavailable('there is not enough memory', 'give the process more'), // NOMEM
  8: readOnly, // READONLY
  10: (path) => (path !== undefined && isDiskFull(path) ? diskFull(path) : diskFailed()), // IOERR
  11: altered, // CORRUPT
  13: diskFull, // FULL
  14: notPermitted, // CANTOPEN
  18: altered, // TOOBIG: more than we would ever write
  19: altered, // CONSTRAINT: contradicts the verified index
  20: altered, // MISMATCH
  23: notPermitted, // AUTH
  26: notAStore, // NOTADB
}

/** BUSY, LOCKED and PROTOCOL (sqlite.org/wal.html: lost the race for a lock too often). */
const busyCodes = new Set([5, 6, 15])

/** SQLite reports a blocked checkpoint by a result row, not by an error. */
export class LockHeld extends Error {}

/** Another connection holds the lock. Nothing was done; the call may be retried. */
export function isBusy(error: unknown): boolean {
  const code = primaryCode(error)
  return error instanceof LockHeld || (code !== undefined && busyCodes.has(code))
}

/** Nothing is committed: the last frame of the log, which commits, is missing. */
export function isFull(error: unknown): boolean {
  return primaryCode(error) === 13
}

/** Our error for what a statement threw. Never SQLite's message, which may quote stored values. */
export function storeError(error: unknown, path?: string): SecretsError {
  if (SecretsError.isInstance(error)) return error
  const code = primaryCode(error)
  if (code !== undefined) return (table[code] ?? (() => new SecretsError('INTERNAL', `SQLite failed with code ${code}`)))(path)
  // node:sqlite refuses integers above 2^53, which we never write.
  if (hasCode(error, 'ERR_OUT_OF_RANGE')) return altered()
  // `node --permission`
  if (hasCode(error, 'ERR_ACCESS_DENIED')) return notPermitted()
  return new SecretsError('INTERNAL', 'the local store failed with an unknown error')
}

export function lockedError(): SecretsError {
  return unavailable('the store is locked by another connection', 'end the program that holds it, or try again')
}

function primaryCode(error: unknown): number | undefined {
  if (!hasCode(error, 'ERR_SQLITE_ERROR') || !('errcode' in error) || typeof error.errcode !== 'number') return undefined
  return error.errcode & 0xff // drops the extended code
}

function hasCode(error: unknown, code: string): error is Error {
  return process.getBuiltinModule('node:util').types.isNativeError(error) && 'code' in error && error.code === code
}

function unavailable(problem: string, remedy: string): SecretsError {
  return new SecretsError('UNAVAILABLE', problem, { remedy })
}

function readOnly(): SecretsError {
  return denied('the store is read-only')
}

function notPermitted(): SecretsError {
  return denied('the store cannot be opened for writing')
}

function denied(problem: string): SecretsError {
  const remedy = 'the file and its folder must be writable for this process, even to read: SQLite keeps its log beside the file'
  return new SecretsError('PERMISSION_DENIED' satisfies SecretsErrorCode, problem, { remedy })
}
