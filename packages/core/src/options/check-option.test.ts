import { expect, it } from 'vitest'
import { assertWithin, configurationError, invalidArgument } from './check-option.ts'

it('makes errors from a code, a problem and a remedy', () => {
  expect(configurationError('`url` is missing', 'give it')).toMatchObject({
    code: 'CONFIGURATION',
    problem: '`url` is missing',
    remedy: 'give it',
  })
  expect(invalidArgument('too long')).toMatchObject({ code: 'INVALID_ARGUMENT', problem: 'too long', remedy: undefined })
})

it('assertWithin accepts numbers within the bounds, and shows others', () => {
  for (const value of [1, 2.5, 4]) expect(() => assertWithin('most', value, 1, 4)).not.toThrow()
  for (const value of [0, 5, NaN, Infinity]) {
    expect(() => assertWithin('most', value, 1, 4)).toThrow(`\`most\` is ${value} (pass a number from 1 to 4)`)
  }
  expect(() => assertWithin('most', '2', 1, 4)).toThrow('`most` is text')
})
