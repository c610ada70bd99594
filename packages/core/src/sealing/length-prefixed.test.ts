import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Field, lengthPrefixed, prefixLength } from './length-prefixed.ts'

const field = fc.oneof(fc.string({ unit: 'binary' }), fc.nat(), fc.uint8Array(), fc.constant(undefined))

/** Numbers are written as text, so a number and its own text are one field. */
function canonical(fields: readonly Field[]): unknown {
  return fields.map((each) => (each === undefined ? null : Buffer.from(each instanceof Uint8Array ? each : String(each)).toString('hex')))
}

test('different lists of fields give different bytes', () => {
  fc.assert(
    fc.property(fc.array(field), fc.array(field), (one, other) => {
      const same = JSON.stringify(canonical(one)) === JSON.stringify(canonical(other))
      expect(lengthPrefixed(one).equals(lengthPrefixed(other))).toBe(same)
    }),
  )
})

test('nothing moves between fields, and absent is not empty', () => {
  const lists: Field[][] = [['ab', 'c'], ['a', 'bc'], ['abc'], ['abc', ''], ['abc', undefined], ['', 'abc'], []]
  expect(new Set(lists.map((fields) => lengthPrefixed(fields).toString('hex'))).size).toBe(lists.length)
})

test('a hole in an array is an absent field', () => {
  const gaps = (...fields: Field[]): Field[] => {
    const sparse: Field[] = []
    sparse.length = 3
    return sparse.concat(fields)
  }
  for (const fields of [[], ['abc'], ['abc', Buffer.of(1), 2], ['x'.repeat(100)]]) {
    expect(lengthPrefixed(gaps(...fields))).toEqual(lengthPrefixed([undefined, undefined, undefined, ...fields]))
  }
})

test.each([undefined, null, 'text', 7, { length: 0 }, new Set(['a']), Buffer.from('a')])('%s is no list of fields', (given) => {
  const wrong = given as Field[] // as JavaScript may pass it
  expect(() => lengthPrefixed(wrong)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT', problem: 'the fields are no array' }))
})

test('each field follows four bytes of its length, as in existing stores', () => {
  const text = lengthPrefixed(['ä', 12, Buffer.of(255, 0), '', undefined, -0.5])
  expect(text.toString('hex').match(/../g)?.join(' ')).toBe(
    '00 00 00 02 c3 a4 00 00 00 02 31 32 00 00 00 02 ff 00 00 00 00 00 ff ff ff ff 00 00 00 04 2d 30 2e 35',
  )
  expect(lengthPrefixed([''])).toHaveLength(prefixLength)
})

test.each<[string, unknown]>([
  ['half of a surrogate pair, which would look like U+FFFD', 'prod/\ud800'],
  ['null', null],
  ['a truth', true],
  ['a bigint', 1n],
  ['a list', ['a']],
  ['a plain object', { length: 1 }],
])('%s is not a field', (_, given) => {
  const wrong = given as Field // as JavaScript may pass it
  expect(() => lengthPrefixed(['a', wrong])).toThrow(
    expect.objectContaining({
      code: 'INVALID_ARGUMENT',
      problem: 'a field is neither well-formed text nor a number, a Uint8Array or undefined',
      remedy: 'give bytes for what is no text',
    }),
  )
})
