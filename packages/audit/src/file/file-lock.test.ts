import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { FileLock } from './file-lock.ts'

let folder: string
let path: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'secrets-audit-'))
  path = join(folder, 'segment.lock')
})
afterEach(() => {
  vi.restoreAllMocks()
  rmSync(folder, { recursive: true })
})

test('a lock whose file its holder removes in the moment in which it is taken is not had, and no failure', () => {
  const exec = DatabaseSync.prototype.exec
  vi.spyOn(DatabaseSync.prototype, 'exec').mockImplementationOnce(function (this: DatabaseSync, sql) {
    rmSync(path)
    return exec.call(this, sql)
  })
  expect(FileLock.tryTake(path)).toBe(undefined)
  const lock = FileLock.tryTake(path)
  expect([lock === undefined, FileLock.tryTake(path)]).toEqual([false, undefined])
  lock?.release()
})

const refused = (problem: string, remedy: string): unknown =>
  expect.objectContaining({ code: 'AUDIT_FAILED', message: expect.stringContaining(problem), remedy: expect.stringContaining(remedy) })

test.each([
  [13, 'the disk of the audit trail is full', 'make room'],
  [8, 'read-only', 'writable'],
  [1544, 'read-only', 'writable'],
  [10, 'the disk of the audit trail reported an input or output error', 'look at the disk'],
  [778, 'input or output error', 'look at the disk'],
  [3850, 'no locks', 'local disk'],
  [2314, 'no locks', 'local disk'],
  [14, 'cannot be opened', 'own the folder'],
  [22, 'SQLite says 22', 'local disk'],
])('a lock that cannot be taken (SQLite %i) says why, and what to do about that', (errcode, problem, remedy) => {
  vi.spyOn(DatabaseSync.prototype, 'exec').mockImplementationOnce(() => {
    throw Object.assign(new Error('the message of SQLite'), { code: 'ERR_SQLITE_ERROR', errcode })
  })
  expect(() => FileLock.tryTake(path)).toThrow(refused(problem, remedy))
  vi.restoreAllMocks()
  const lock = FileLock.tryTake(path)
  expect(lock).not.toBe(undefined) // nothing was left open
  lock?.release()
})

test('a lock whose file holds something, or is no file, is refused', () => {
  writeFileSync(path, 'something')
  expect(() => FileLock.tryTake(path)).toThrow(
    refused(`${JSON.stringify(path)} of the audit trail cannot be taken: the file holds something`, 'remove it'),
  )
  rmSync(path)
  mkdirSync(path)
  expect(() => FileLock.tryTake(path)).toThrow(refused('cannot be opened', 'own the folder'))
})

test('a lock that another has for longer than that is named, with what to do about its holder', async () => {
  const lock = FileLock.tryTake(path)
  await expect(FileLock.take(path, 0)).rejects.toEqual(refused(JSON.stringify(path), 'end it'))
  lock?.release()
})
