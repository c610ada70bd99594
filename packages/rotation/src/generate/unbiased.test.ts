import fc from 'fast-check'
import { expect, test } from 'vitest'
import { randomText, unbiasedIndexes } from './unbiased.ts'

const everyByte = Uint8Array.from({ length: 256 }, (_, byte) => byte)

test('of all bytes, each index comes from the same number', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 256 }), (size) => {
      const counts = Map.groupBy(unbiasedIndexes(everyByte, size), (index) => index)
      expect([...counts.keys()].toSorted((a, b) => a - b)).toEqual(Array.from({ length: size }, (_, index) => index))
      expect(new Set([...counts.values()].map(({ length }) => length))).toEqual(new Set([Math.floor(256 / size)]))
    }),
  )
})

test('a random text has its length, though bytes are left out', () => {
  for (const length of [1, 2, 33]) expect(randomText('abc', length)).toMatch(new RegExp(`^[abc]{${length}}$`))
})
