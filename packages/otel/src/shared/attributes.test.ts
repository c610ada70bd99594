import { expect, test } from 'vitest'
import { errorType, operationName, word } from './attributes.ts'

test('a known code is an `error.type`, any other text is not, whatever it is', () => {
  expect([errorType('UNAVAILABLE'), errorType(undefined)]).toEqual(['UNAVAILABLE', undefined])
  for (const text of ['hunter2', 'constructor', '__proto__', '']) expect(errorType(text)).toBe('_OTHER')
})

test('a known operation has its name, and any other text none', () => {
  expect(['get', 'refresh', 'promote', 'toString', 'a b'].map(operationName)).toEqual(['get', 'refresh', 'promote', '_OTHER', '_OTHER'])
})

test('one lower-case word of an author is shown as it is, and any other text is not', () => {
  expect(['login', 'renew-lease', 'Error: h', 'a b', '', 'x'.repeat(33)].map(word)).toEqual([
    'login',
    'renew-lease',
    ...Array(4).fill('_OTHER'),
  ])
})
