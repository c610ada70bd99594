import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Field, lengthPrefixed } from './length-prefixed.ts'

const field = fc.oneof(fc.string({ unit: 'binary' }), fc.nat(), fc.uint8Array(), fc.constant(undefined))

/** Numbers are written as text, so a number and its own text are one field. */
function canonical(fields: readonly Field[]): unknown {
  return fields.map((each) => (each === undefined ? null : Buffer.from(each instanceof Uint8Array ? each : String(each)).toString('hex')))
}

test('two lists of fields give the same bytes only if they are the same list', () => {
  fc.assert(
    fc.property(fc.array(field), fc.array(field), (one, other) => {
      const same = JSON.stringify(canonical(one)) === JSON.stringify(canonical(other))
      expect(lengthPrefixed(one).equals(lengthPrefixed(other))).toBe(same)
    }),
  )
})

test('nothing can be moved from one field to its neighbour, and absent is not empty', () => {
  const lists: Field[][] = [['ab', 'c'], ['a', 'bc'], ['abc'], ['abc', ''], ['abc', undefined], ['', 'abc'], []]
  expect(new Set(lists.map((fields) => lengthPrefixed(fields).toString('hex'))).size).toBe(lists.length)
})
