import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { loadSqlite } from '../shared/builtins.ts'
import { withEffect } from '../shared/file-errors.ts'
import { isBusy, isFull, LockHeld, storeError } from './sqlite-errors.ts'

/**
 * A connection that never waits for a lock and does not trust the schema. `VACUUM` uses memory: a
 * temporary file would keep what was removed.
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

/** Every commit is on disk before it is acknowledged. */
export function makeDurable(sqlite: DatabaseSync): void {
  sqlite.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL')
}

/** `work` runs atomically. A write takes its lock at the start, so that it cannot fail half-way. */
export type Transaction = <T>(kind: 'read' | 'write', work: (dataVersion: number) => T) => T

/** `guard` runs first in every transaction and returns the data version. */
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

/** A failed commit may have reached the disk, unless it failed for a lock or for space. */
export function commitWrite(commit: Pick<StatementSync, 'run'>, path?: string): void {
  try {
    commit.run()
  } catch (error) {
    if (isBusy(error) || isFull(error)) throw error
    throw withEffect(storeError(error, path), 'unknown', 'read the current version to see whether it was written')
  }
}

/**
 * Rewrites the file. `secure_delete` leaves copies in page gaps when SQLite moves rows between
 * pages.
 */
export function rewriteFile(sqlite: DatabaseSync): void {
  sqlite.exec('VACUUM')
}

/** Copies the log into the file and empties it. Throws `LockHeld` while others read. */
export function emptyLog(sqlite: DatabaseSync): void {
  if (sqlite.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()?.['busy'] !== 0) throw new LockHeld()
}

/** Writes a consistent copy into an empty file. Readers and writers go on. */
export function copyInto(sqlite: DatabaseSync, path: string): void {
  sqlite.prepare('VACUUM INTO ?').run(path)
}

/**
 * The only connection to a store. Its log is in the file, and nobody can read the store meanwhile.
 * Throws an error of a lock while others have it open.
 */
export function connectAlone(path: URL): DatabaseSync {
  const sqlite = connect(path)
  try {
    sqlite.exec('PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT')
    emptyLog(sqlite)
    return sqlite
  } catch (error) {
    sqlite.close()
    throw error
  }
}
