import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { newStoreHeader } from '../keys/store-header.ts'
import { bucketOf, leafOf, leavesPerBucket, type LeafEntry } from '../record/tree-shape.ts'
import { Bucket } from './bucket.ts'
import { indexDigests } from './index-digests.ts'
import type { Leaf } from './leaf.ts'

const digests = indexDigests(newStoreHeader())
const digest = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes))
/** Of the bucket of leaves 128 to 191. */
const leafEntry = fc.record({ leaf: fc.integer({ min: 128, max: 191 }), digest })
const secrets = fc.array(fc.tuple(fc.string({ unit: 'grapheme' }), leafEntry), { maxLength: 20 }).map((entries) => new Map(entries))

/** The leaves with the changes in them, by their numbers. */
function changedLeaves(bucket: Bucket, changes: ReadonlyMap<string, LeafEntry>): Map<number, Leaf> {
  const leaves = new Map<number, Leaf>()
  for (const [path, change] of changes)
    leaves.set(change.leaf, (leaves.get(change.leaf) ?? bucket.leaf(change.leaf)).with(path, change.digest))
  return leaves
}

describe('a bucket', () => {
  test('knows its paths, each in its leaf', () => {
    fc.assert(
      fc.property(secrets, (entries) => {
        const bucket = new Bucket(digests, entries)
        expect(bucket.paths.toSorted()).toEqual([...entries.keys()].toSorted())
        for (const [path, expected] of entries) expect(bucket.leaf(expected.leaf).digestOf(path)).toEqual(expected.digest)
      }),
    )
  })

  test('has the digest of a new bucket when given other leaves, and is unchanged until it adopts them', () => {
    fc.assert(
      fc.property(secrets, secrets, (entries, changes) => {
        const moved = new Map([...changes].map(([path, change]) => [path, { ...change, leaf: entries.get(path)?.leaf ?? change.leaf }]))
        const [bucket, expected] = [new Bucket(digests, entries), new Bucket(digests, new Map([...entries, ...moved]))]
        const [before, leaves] = [bucket.digest(), changedLeaves(bucket, moved)]
        expect(bucket.digest(leaves)).toEqual(expected.digest())
        expect(bucket.digest()).toEqual(before)
        for (const [number, leaf] of leaves) bucket.adopt(number, leaf)
        expect(bucket.digest()).toEqual(expected.digest())
      }),
    )
  })

  test('has another digest when a secret moves to another of its leaves', () => {
    const [here, there] = [200, 201].map((leaf) => new Bucket(digests, new Map([['name', { leaf, digest: Buffer.alloc(32, 1) }]])))
    expect(here?.digest()).not.toEqual(there?.digest())
  })
})

test('every path has one of 4,096 leaves, and each of 64 buckets has 64', () => {
  const leaves = Array.from({ length: 50_000 }, (_, n) => leafOf(`service/${n}`))
  expect(new Set(leaves).size).toBe(4_096)
  expect(Math.max(...leaves)).toBe(64 * leavesPerBucket - 1)
  expect(new Set(leaves.map(bucketOf))).toEqual(new Set(Array.from({ length: 64 }, (_, bucket) => bucket)))
  expect(leafOf('service/7')).toBe(leafOf('service/7'))
})
