import { expect, test } from 'vitest'
import { errorType, operationName } from './attributes.ts'

test('a known code is an `error.type`, any other text is not, whatever it is', () => {
  expect([errorType('UNAVAILABLE'), errorType(undefined)]).toEqual(['UNAVAILABLE', undefined])
  for (const text of ['hunter2', 'constructor', '__proto__', '']) expect(errorType(text)).toBe('_OTHER')
})

test('a known operation has its name, and any other text none', () => {
  expect(['get', 'refresh', 'promote', 'toString', 'a b'].map(operationName)).toEqual(['get', 'refresh', 'promote', '_OTHER', '_OTHER'])
})
