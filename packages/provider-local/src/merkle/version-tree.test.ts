import { SecretsError } from '@finchat/secrets-core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { newStoreHeader } from '../keys/store-header.ts'
import { emptyNode } from '../record/version-node.ts'
import { indexDigests } from './index-digests.ts'
import { VersionTree } from './version-tree.ts'

const digests = indexDigests(newStoreHeader())
const digest = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes))
/** In one node, in neighbours, far apart, and at both ends of the range. */
const number = fc.oneof(
  fc.integer({ min: 1, max: 40 }),
  fc.integer({ min: 1, max: 70_000 }),
  fc.constantFrom(15, 16, 255, 256, 4_095, 4_096, 2 ** 32, 2 ** 48 - 1, 2 ** 48, 2 ** 52 + 17, Number.MAX_SAFE_INTEGER),
)
const changes = fc.array(fc.tuple(number, fc.option(digest, { nil: undefined })), { maxLength: 60 })

type Rows = Map<number, Buffer>

function treeOver(rows: Rows, root: Buffer, lastVersion: number): VersionTree {
  const nodes = {
    node: (id: number) => rows.get(id),
    setNode: (id: number, node: Buffer) => void rows.set(id, node),
    dropNode: (id: number) => void rows.delete(id),
  }
  return new VersionTree(digests, nodes, { path: 'name', root, lastVersion })
}

/** Makes each change in a new tree, as transactions do. */
function changed(all: Iterable<readonly [number, Buffer | undefined]>): { rows: Rows; root: Buffer; last: number } {
  const rows: Rows = new Map()
  let [root, last] = [emptyNode, 0]
  for (const [version, entry] of all) {
    const tree = treeOver(rows, root, last)
    last = Math.max(last, version)
    tree.growTo(last)
    tree.set(version, entry)
    root = tree.write()
  }
  return { rows, root, last }
}

/** All numbers of a tree, in both directions. */
function told(tree: VersionTree): { ascending: number[]; descending: number[]; found: (Buffer | undefined)[] } {
  const ascending = [...tree.ascending()]
  return { ascending, descending: [...tree.descending()], found: ascending.map((version) => tree.digestOf(version)) }
}

describe('a tree of versions', () => {
  test('matches a map after the same changes', () => {
    fc.assert(
      fc.property(changes, number, (all, above) => {
        const model = new Map<number, Buffer>()
        for (const [version, entry] of all)
          if (entry) model.set(version, entry)
          else model.delete(version)
        const { rows, root, last } = changed(all)
        const numbers = [...model.keys()].toSorted((one, other) => one - other)
        const tree = treeOver(rows, root, last)
        expect(told(tree)).toEqual({ ascending: numbers, descending: numbers.toReversed(), found: numbers.map((each) => model.get(each)) })
        expect([...tree.ascending(above)]).toEqual(numbers.filter((each) => each > above))
        for (const [version] of all)
          for (const near of [version - 1, version, version + 1, version + 16]) {
            expect(tree.digestOf(near)).toEqual(model.get(near))
          }
      }),
    )
  })

  test('has one root per set of versions and no surplus row', () => {
    fc.assert(
      fc.property(changes, (all) => {
        const { rows, root, last } = changed(all)
        const held = treeOver(rows, root, last)
        const again: Rows = new Map()
        const anew = treeOver(again, emptyNode, last)
        for (const version of held.descending()) anew.set(version, held.digestOf(version))
        expect(anew.write()).toEqual(root)
        expect(again).toEqual(rows)
      }),
    )
  })

  test('reads and writes three nodes for a new version of 10,000', () => {
    const rows: Rows = new Map()
    const tree = treeOver(rows, emptyNode, 10_000)
    for (let version = 1; version <= 10_000; version++) tree.set(version, Buffer.alloc(32, version % 251))
    const root = tree.write()
    let [reads, writes] = [0, 0]
    const nodes = {
      node: (id: number) => (reads++, rows.get(id)),
      setNode: () => void writes++,
      dropNode: () => void writes++,
    }
    const counted = new VersionTree(digests, nodes, { path: 'name', root, lastVersion: 10_000 })
    counted.set(10_001, Buffer.alloc(32))
    counted.write()
    expect([reads, writes]).toEqual([3, 3])
  })
})

describe('a tree with an altered node', () => {
  const versions = Array.from({ length: 600 }, (_, n) => [n + 1, Buffer.alloc(32, n % 251)] as const)
  const intact = changed(versions)
  const older = changed([...versions.slice(0, 599), [17, Buffer.alloc(32, 9)] as const])
  const ways: Readonly<Record<string, (rows: Rows, id: number) => void>> = {
    'by one bit': (rows, id) => {
      const node = Buffer.from(rows.get(id) ?? '')
      node.writeUInt8(node.readUInt8(40) ^ 1, 40)
      rows.set(id, node)
    },
    'by leaving it out': (rows, id) => void rows.delete(id),
    'by its last entry': (rows, id) => void rows.set(id, rows.get(id)?.subarray(0, -33) ?? emptyNode),
    'by emptying it': (rows, id) => void rows.set(id, emptyNode),
    'by that of its neighbour': (rows, id) => void rows.set(id, rows.get(id + 16) ?? rows.get(id - 16) ?? emptyNode),
    'by that of another level': (rows, id) => void rows.set(id, rows.get(id % 16 === 1 ? 2 : 1) ?? emptyNode),
  }
  for (const [how, alter] of Object.entries(ways)) {
    test(`${how} is INTEGRITY below it, and all other versions read correctly`, () => {
      for (const id of intact.rows.keys()) {
        const rows = new Map(intact.rows)
        alter(rows, id)
        expect(damaged(rows), `node ${id}`).toBe(true)
      }
    })
  }

  test('that was replayed is INTEGRITY wherever it differs', () => {
    let others = 0
    for (const [id, node] of older.rows) {
      if (intact.rows.get(id)?.equals(node)) continue
      others++
      expect(damaged(new Map(intact.rows).set(id, node)), `node ${id}`).toBe(true)
    }
    expect(others).toBeGreaterThan(2)
  })

  /** Every number has its digest or is refused; returns whether any is refused. */
  function damaged(rows: Rows): boolean {
    let refused = 0
    for (const [version, entry] of versions) {
      try {
        expect(treeOver(rows, intact.root, intact.last).digestOf(version)).toEqual(entry)
      } catch (error) {
        expect(SecretsError.isInstance(error) && error.code).toBe('INTEGRITY')
        refused++
      }
    }
    expect(refused).toBeLessThan(versions.length)
    return refused > 0
  }
})
