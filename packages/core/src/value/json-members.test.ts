import { expect, it } from 'vitest'
import { jsonMembers } from './json-members.ts'

const pairs = (text: string): string[] => jsonMembers(text).map(({ key, text: json }) => `${key} = ${json}`)

it('are those of an object, in their order and as they are written', () => {
  expect(pairs(' { "b" : 1.10, "2":"x\\u0041", "1": { "c": [1, 2] }, "b": null } ')).toEqual([
    'b = 1.10',
    '2 = "x\\u0041"',
    '1 = { "c": [1, 2] }',
    'b = null',
  ])
})

it('start where they stand in the text', () => {
  const text = ' { "a" : {"a": 1} , "b":[2] } '
  expect(jsonMembers(text).map(({ text: json, start }) => text.slice(start, start + json.length) === json)).toEqual([true, true])
})

it('are those of an array, and none of other JSON', () => {
  expect(pairs('[true, []]')).toEqual(['0 = true', '1 = []'])
  for (const text of ['{}', '[]', '1', '"text"', 'null']) expect(pairs(text)).toEqual([])
})

it('are refused of what is no JSON, without quoting it', () => {
  expect(() => jsonMembers('{"a": canary}')).toThrow(
    expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.not.stringContaining('canary') }),
  )
})
