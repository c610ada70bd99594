import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, expect, test, vi } from 'vitest'
import { FileLock } from './file-lock.ts'

afterEach(() => void vi.restoreAllMocks())

test('a lock whose file its holder removes in the moment in which it is taken is not had, and no failure', () => {
  const folder = mkdtempSync(join(tmpdir(), 'secrets-audit-'))
  const path = join(folder, 'segment.lock')
  const exec = DatabaseSync.prototype.exec
  vi.spyOn(DatabaseSync.prototype, 'exec').mockImplementationOnce(function (this: DatabaseSync, sql) {
    rmSync(path)
    return exec.call(this, sql)
  })
  expect(FileLock.tryTake(path)).toBe(undefined)
  const lock = FileLock.tryTake(path)
  expect([lock === undefined, FileLock.tryTake(path)]).toEqual([false, undefined])
  lock?.release()
  rmSync(folder, { recursive: true })
})
