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
const row = { facts: '[]', root: Buffer.alloc(0) }
const version = { facts: 'facts', seal }

test('a bucket returns exactly its secrets, however many pages they fill', () => {
  const tables = emptyTables()
  const digest = Buffer.alloc(32, 2)
  const paths = Array.from({ length: 2_500 }, (_, n) => `service/${n}`)
  for (const [n, path] of paths.entries()) {
    tables.setRecord(64 + (n % 64), path, row, digest)
    tables.addVersion(64 + (n % 64), path, { ...version, version: 1 }, seal)
  }
  for (const leaf of [63, 128]) tables.setRecord(leaf, `of another bucket, ${leaf}`, row, digest)
  const found = tables.bucket(1)
  expect([...found.keys()].toSorted()).toEqual(paths.toSorted())
  expect(found.get('service/1000')).toEqual({ leaf: 64 + (1_000 % 64), digest: new Uint8Array(digest) })
})

test('a secret returns exactly its own row, versions and nodes', () => {
  const tables = emptyTables()
  const numbers = [1, 15, 16, 17, 4_096, Number.MAX_SAFE_INTEGER]
  for (const path of ['name', 'other']) {
    const root = Buffer.from(path)
    tables.setRecord(7, path, { facts: `facts of ${path}`, root }, seal)
    for (const n of numbers) {
      tables.addVersion(7, path, { version: n, facts: `${path} ${n}`, seal }, Buffer.concat([seal, Buffer.from(`${path} ${n}`)]))
      tables.nodes(7, path).setNode(n, Buffer.from(`node ${n} of ${path}`))
    }
  }
  expect(tables.record(7, 'name')).toEqual({ facts: 'facts of name', root: Buffer.from('name') })
  for (const n of numbers) {
    expect(tables.version(7, 'name', n)).toEqual({ version: n, facts: `name ${n}`, seal })
    expect(tables.sealed(7, 'name', n)?.subarray(28).toString()).toBe(`name ${n}`)
    expect(tables.nodes(7, 'name').node(n)?.toString()).toBe(`node ${n} of name`)
  }
  tables.dropVersions(7, 'name')
  expect(numbers.map((n) => tables.version(7, 'name', n) ?? tables.nodes(7, 'name').node(n))).toEqual(numbers.map(() => undefined))
  expect(tables.record(7, 'name')?.facts).toBe('facts of name')
  expect(tables.version(7, 'other', 16)?.facts).toBe('other 16')
  expect([tables.record(7, 'nam'), tables.version(7, 'other', 2)]).toEqual([undefined, undefined])
})

test('clearing residue keeps what was added since it was read', () => {
  const tables = emptyTables()
  tables.setKeys({ wrapped: [], retired: Buffer.alloc(28) })
  tables.addResidue()
  const seen = tables.residue()
  tables.addResidue()
  tables.clearResidue(seen)
  expect(tables.residue()).toBe(2)
  tables.clearResidue(2)
  expect(tables.residue()).toBe(0)
})
