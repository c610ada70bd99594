import { DatabaseSync } from 'node:sqlite'
import { inspect } from 'node:util'
import { SecretsError } from '@finchat/secrets-core'
import { expect, test } from 'vitest'
import { isBusy, storeError } from './sqlite-errors.ts'

/** As `node:sqlite` throws it; the lower eight bits are the primary code. */
function sqliteError(errcode: number): Error {
  return Object.assign(new Error('a message that quotes c4n4ry-row'), { code: 'ERR_SQLITE_ERROR', errcode, errstr: 'c4n4ry-row' })
}

test('every result code of SQLite maps to an error code', () => {
  const codes = {
    1: 'INTEGRITY',
    3: 'PERMISSION_DENIED',
    7: 'UNAVAILABLE',
    8: 'PERMISSION_DENIED',
    10: 'UNAVAILABLE',
    11: 'INTEGRITY',
    13: 'UNAVAILABLE',
    14: 'PERMISSION_DENIED',
    18: 'INTEGRITY',
    19: 'INTEGRITY',
    20: 'INTEGRITY',
    23: 'PERMISSION_DENIED',
    26: 'CONFIGURATION',
    2: 'INTERNAL',
    21: 'INTERNAL',
    99: 'INTERNAL',
  }
  for (const [errcode, code] of Object.entries(codes)) {
    expect(storeError(sqliteError(Number(errcode))).code, errcode).toBe(code)
    expect(storeError(sqliteError(Number(errcode) + (5 << 8))).code, `${errcode}, extended`).toBe(code)
  }
})

test('a full disk, a failing disk and a damaged file have different codes', () => {
  const problems = [13, 10, 11, 7, 8].map((errcode) => storeError(sqliteError(errcode)).problem)
  expect(problems[0]).toBe('the disk is full')
  expect(new Set(problems).size).toBe(problems.length)
})

test('a held lock is recognised and is not an error yet', () => {
  expect([5, 6, 15, 261, 517].every((errcode) => isBusy(sqliteError(errcode)))).toBe(true)
  expect([1, 8, 11, 13].some((errcode) => isBusy(sqliteError(errcode)))).toBe(false)
  expect(isBusy(new Error('busy'))).toBe(false)
})

test("nothing of SQLite's error is copied", () => {
  for (const error of [sqliteError(1), sqliteError(2), new TypeError('c4n4ry-row'), 'c4n4ry-row', undefined]) {
    const ours = storeError(error)
    expect(SecretsError.isInstance(ours)).toBe(true)
    expect(inspect(ours, { showHidden: true, depth: 9 })).not.toContain('c4n4ry')
    expect(ours.cause).toBeUndefined()
  }
})

test('our own errors pass unchanged', () => {
  const error = new SecretsError('DELETED', 'gone')
  expect(storeError(error)).toBe(error)
})

test('a real error of node:sqlite is recognised', () => {
  const sqlite = new DatabaseSync(':memory:')
  expect(() => sqlite.exec('SELECT * FROM nowhere')).toThrow(expect.objectContaining({ code: 'ERR_SQLITE_ERROR', errcode: 1 }))
  sqlite.close()
})
