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
  vi.useRealTimers()
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
  [14, 'cannot be opened', 'the owner of the folder'],
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
  expect(() => FileLock.tryTake(path)).toThrow(refused('cannot be opened', 'the owner of the folder'))
})

/**
 * How often a process polls a lock in each second of a wait, by a clock of its own; `at` is called
 * at the start of a second.
 */
async function pollsPerSecond(
  seconds: number,
  urgent?: Promise<void>,
  at: Readonly<Record<number, () => void>> = {},
): Promise<readonly number[]> {
  vi.spyOn(Math, 'random').mockReturnValue(1)
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  const held = FileLock.tryTake(path)
  const polls = vi.spyOn(DatabaseSync.prototype, 'exec')
  const waiting = FileLock.take(path, { patienceMs: seconds * 1_000, urgent }).catch((error: unknown) => error)
  const counts: number[] = []
  for (let second = 0; second < seconds; second++) {
    at[second]?.()
    await vi.advanceTimersByTimeAsync(1_000 - 1)
    counts.push(polls.mock.calls.length)
    polls.mockClear()
    await vi.advanceTimersByTimeAsync(1)
  }
  vi.useRealTimers()
  held?.release()
  expect(await waiting).toMatchObject({ code: 'AUDIT_FAILED' })
  return counts
}

test('a process polls a lock more often the longer a record waits, up to twenty times a second', async () => {
  expect(await pollsPerSecond(6)).toEqual([9, 6, 13, 20, 20, 20])
})

test('a process polls a lock twice a second while no record waits', async () => {
  expect(await pollsPerSecond(6, new Promise(() => {}))).toEqual([7, 2, 2, 2, 2, 2])
})

test('a process polls a lock at once when a record begins to wait, and then as if its wait began there', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  expect(await pollsPerSecond(6, promise, { 3: resolve })).toEqual([7, 2, 2, 5, 7, 12])
})

test('a lock that is free again soon is had soon', async () => {
  vi.spyOn(Math, 'random').mockReturnValue(1)
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  const held = FileLock.tryTake(path)
  const waiting = FileLock.take(path, { patienceMs: 1_000 })
  held?.release()
  await vi.advanceTimersByTimeAsync(10)
  vi.useRealTimers()
  const lock = await waiting
  expect(FileLock.tryTake(path)).toBe(undefined)
  lock.release()
})

test('a lock that another has for longer than that is named, with what to do about its holder', async () => {
  const lock = FileLock.tryTake(path)
  await expect(FileLock.take(path, { patienceMs: 0 })).rejects.toEqual(refused(JSON.stringify(path), 'end it'))
  lock?.release()
})
