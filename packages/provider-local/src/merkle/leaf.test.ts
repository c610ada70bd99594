import { lengthPrefixed } from '@finchat/secrets-core/sealing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { newStoreHeader } from '../keys/store-header.ts'
import { indexDigests } from './index-digests.ts'
import { Leaf } from './leaf.ts'

const digests = indexDigests(newStoreHeader())
const digest = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes))
const secrets = fc.uniqueArray(fc.tuple(fc.string({ unit: 'grapheme' }), digest), { selector: ([path]) => path, maxLength: 20 })

describe('a leaf', () => {
  test('has one digest whatever the order of its secrets', () => {
    fc.assert(
      fc.property(secrets, (entries) => {
        const sorted = entries.toSorted(([one], [other]) => (one < other ? -1 : 1))
        const expected = entries.length === 0 ? Buffer.alloc(32) : digests.leaf(lengthPrefixed(sorted.flat()))
        expect(Leaf.of(digests, entries).digest).toEqual(expected)
      }),
    )
  })

  test('knows its paths, and the digest of each', () => {
    fc.assert(
      fc.property(secrets, (entries) => {
        const leaf = Leaf.of(digests, entries)
        expect([...leaf.paths].toSorted()).toEqual(entries.map(([path]) => path).toSorted())
        for (const [path, expected] of entries) expect(leaf.digestOf(path)).toEqual(expected)
        expect(leaf.digestOf('not there\0')).toBeUndefined()
      }),
    )
  })

  test('after repeated changes equals a new leaf, and earlier leaves are unchanged', () => {
    fc.assert(
      fc.property(secrets, secrets, (entries, changes) => {
        const model = new Map(entries)
        let leaf = Leaf.of(digests, entries)
        for (const [path, changed] of changes) {
          const [before, known, found] = [leaf, leaf.digest, leaf.digestOf(path)]
          leaf = leaf.with(path, changed)
          model.set(path, changed)
          expect([before.digest, before.digestOf(path)]).toEqual([known, found])
          expect(leaf.digest).toEqual(Leaf.of(digests, [...model]).digest)
          for (const [each, expected] of model) expect(leaf.digestOf(each)).toEqual(expected)
        }
      }),
    )
  })
})
