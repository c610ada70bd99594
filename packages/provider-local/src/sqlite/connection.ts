import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { SecretsError } from '@finchat/secrets-core'
import { loadSqlite } from '../shared/builtins.ts'
import { isBusy, isFull, LockHeld, storeError } from './sqlite-errors.ts'

/**
 * A connection that never waits for a lock by itself, and trusts nothing that a schema may say. What it rewrites passes
 * through memory, never through a temporary file, where it would stay.
 */
export function connect(path: string | URL): DatabaseSync {
  const sqlite = new (loadSqlite().DatabaseSync)(path, { timeout: 0, enableDoubleQuotedStringLiterals: false })
  try {
    sqlite.exec('PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY; PRAGMA secure_delete=ON')
    return sqlite
  } catch (error) {
    sqlite.close()
    throw error
  }
}

/** A write-ahead log, and every commit on disk before it is acknowledged. A database in memory keeps to itself. */
export function makeDurable(sqlite: DatabaseSync): void {
  sqlite.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL')
}

/**
 * Runs `work` whole or not at all, and tells it the data version of what it sees. A write takes its lock at once, so that it cannot fail half-way
 * for want of it.
 */
export type Transaction = <T>(kind: 'read' | 'write', work: (dataVersion: number) => T) => T

/**
 * `guard` runs first in every transaction, on the state that the transaction sees, and returns its
 * data version. `path` is for the message of an error.
 */
export function transactions(sqlite: DatabaseSync, guard: () => number, path: string | undefined): Transaction {
  const begin = { read: sqlite.prepare('BEGIN'), write: sqlite.prepare('BEGIN IMMEDIATE') }
  const [commit, rollback] = [sqlite.prepare('COMMIT'), sqlite.prepare('ROLLBACK')]
  return (kind, work) => {
    begin[kind].run()
    try {
      const result = work(guard())
      if (kind === 'write') commitWrite(commit, path)
      else commit.run()
      return result
    } catch (error) {
      if (sqlite.isTransaction) rollback.run()
      throw error
    }
  }
}

/** A commit that fails may have reached the disk, unless a lock or room was missing. */
export function commitWrite(commit: Pick<StatementSync, 'run'>, path?: string): void {
  try {
    commit.run()
  } catch (error) {
    if (isBusy(error) || isFull(error)) throw error
    const { code, problem, remedy } = storeError(error, path)
    const next = 'read the current version to see whether it was written'
    throw new SecretsError(code, problem, { effect: 'unknown', remedy: remedy === undefined ? next : `${remedy}; then ${next}` })
  }
}

/**
 * Writes the whole file anew. `secure_delete` overwrites what is deleted, but not the copies that stay behind in the gaps
 * of pages when SQLite moves rows between them.
 */
export function rewriteFile(sqlite: DatabaseSync): void {
  sqlite.exec('VACUUM')
}

/** Copies the log into the file and empties it, so that nothing overwritten is left in either. Throws `LockHeld` while others read. */
export function emptyLog(sqlite: DatabaseSync): void {
  if (sqlite.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()?.['busy'] !== 0) throw new LockHeld()
}
