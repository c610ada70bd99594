import { expect, test } from 'vitest'
import { commitWrite, connect } from './connection.ts'
import { isBusy, isFull } from './sqlite-errors.ts'

function failing(errcode: number): { readonly run: () => never } {
  return {
    run: () => {
      throw Object.assign(new Error('of SQLite'), { code: 'ERR_SQLITE_ERROR', errcode })
    },
  }
}

function thrownBy(work: () => void): unknown {
  try {
    work()
  } catch (error) {
    return error
  }
  return undefined
}

test('a failed commit has effect unknown', () => {
  for (const [errcode, code] of [
    [10, 'UNAVAILABLE'],
    [11, 'INTEGRITY'],
  ] as const) {
    expect(thrownBy(() => commitWrite(failing(errcode)))).toMatchObject({ code, effect: 'unknown' })
  }
})

test('a commit without a lock changes nothing and may be retried', () => {
  expect(isBusy(thrownBy(() => commitWrite(failing(5))))).toBe(true)
})

test('a commit on a full disk changes nothing: the frame that commits is missing', () => {
  expect(isFull(thrownBy(() => commitWrite(failing(13))))).toBe(true)
})

test('a connection trusts no schema, waits for no lock and writes no temporary file', () => {
  const sqlite = connect(':memory:')
  const pragma = (name: string): unknown => Object.values(sqlite.prepare(`PRAGMA ${name}`).get() ?? {})[0]
  const settings = { trusted_schema: 0, cell_size_check: 1, temp_store: 2, secure_delete: 1, busy_timeout: 0 }
  expect(Object.fromEntries(Object.keys(settings).map((name) => [name, pragma(name)]))).toEqual(settings)
  sqlite.close()
})
