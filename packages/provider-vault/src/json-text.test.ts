import fc from 'fast-check'
import { expect, test } from 'vitest'
import { valueText } from './json-text.ts'

test('a value is cut out exactly as it is written', () => {
  const text = ' { "data" : {"data":{"n":1.10, "big":12345678901234567890 ,"t":"\\u003c}\\"{"} , "metadata":{}} , "x" : 1e3 } '
  expect(valueText(text, ['data', 'data'])).toBe('{"n":1.10, "big":12345678901234567890 ,"t":"\\u003c}\\"{"}')
  expect(valueText(text, ['data', 'data', 'n'])).toBe('1.10')
  expect(valueText(text, ['data', 'data', 't'])).toBe('"\\u003c}\\"{"')
  expect(valueText(text, ['x'])).toBe('1e3')
})

test('what is not there is undefined, and of equal keys the last counts', () => {
  for (const keys of [['none'], ['a', 'b'], ['list', '0']]) expect(valueText('{"a":1,"list":[1],"s":"{"}', keys)).toBe(undefined)
  expect(valueText('{"a":1,"a":2}', ['a'])).toBe('2')
  expect(valueText('{}', ['a'])).toBe(undefined)
})

test('any value under any key is found, in any layout', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 6 }), fc.constantFrom(undefined, 1, '\t'), (fields, space) => {
      const text = JSON.stringify({ before: [{}], data: fields, after: '}' }, undefined, space)
      for (const [key, value] of Object.entries(fields)) {
        expect(JSON.parse(valueText(text, ['data', key]) ?? '')).toEqual(JSON.parse(JSON.stringify(value)))
      }
    }),
  )
})
