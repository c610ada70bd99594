import { expect, it } from 'vitest'
import { isJsonObject } from './json-object.ts'

it.each([
  ['{}', true],
  ['{"a":1}', true],
  ['[]', false],
  ['null', false],
  ['"a"', false],
  ['1', false],
  ['true', false],
])('%s is an object: %s', (json, expected) => {
  expect(isJsonObject(JSON.parse(json))).toBe(expected)
})
