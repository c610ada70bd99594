import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { createSchema } from './schema.ts'
import { prepareTables, type Tables } from './tables.ts'

function emptyTables(): Tables {
  const sqlite = new DatabaseSync(':memory:')
  createSchema(sqlite)
  return prepareTables(sqlite)
}

const seal = Buffer.alloc(28, 1)
const version = { revision: 'revision', keyId: 'key', kind: 0, createdAt: 1, currentSince: 1, seal }

test('a bucket gives its secrets, all of them and no other, however many pages they fill', () => {
  const tables = emptyTables()
  const digest = Buffer.alloc(32, 2)
  const paths = Array.from({ length: 2_500 }, (_, n) => `service/${n}`)
  for (const [n, path] of paths.entries()) {
    tables.setRecord(64 + (n % 64), path, '[]', digest)
    tables.addVersion(64 + (n % 64), path, { ...version, version: 1 }, seal)
  }
  for (const leaf of [63, 128]) tables.setRecord(leaf, `of another bucket, ${leaf}`, '[]', digest)
  const found = tables.bucket(1)
  expect([...found.keys()].toSorted()).toEqual(paths.toSorted())
  expect(found.get('service/1000')).toEqual({ leaf: 64 + (1_000 % 64), digest: new Uint8Array(digest) })
})

test('a secret gives its versions, all of them in order and no other, however many pages they fill', () => {
  const tables = emptyTables()
  for (const path of ['name', 'other']) {
    tables.setRecord(7, path, `facts of ${path}`, seal)
    for (let n = 2_500; n > 0; n--) tables.addVersion(7, path, { ...version, version: n }, seal)
  }
  const rows = tables.record(7, 'name')
  expect(rows?.facts).toBe('facts of name')
  expect(rows?.versions.map((each) => each.version)).toEqual(Array.from({ length: 2_500 }, (_, n) => n + 1))
  expect(tables.record(7, 'nam')).toBeUndefined()
})
