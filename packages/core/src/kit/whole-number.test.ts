import { expect, it } from 'vitest'
import { assertWholeNumber, isWholeNumber } from './whole-number.ts'

it('takes whole numbers within the bounds', () => {
  for (const value of [7, 8, 30]) expect(() => assertWholeNumber('days', value, 7, 30)).not.toThrow()
})

it.each([
  [6, '6'],
  [31, '31'],
  [7.5, '7.5'],
  [Number.NaN, 'NaN'],
  ['7', 'text'],
  [undefined, 'undefined'],
])('refuses %o, which it shows as %s', (value, shown) => {
  const problem = `\`days\` is ${shown}`
  const error = expect.objectContaining({ code: 'CONFIGURATION', problem, remedy: 'pass a whole number from 7 to 30' })
  expect(() => assertWholeNumber('days', value, 7, 30)).toThrow(error)
})

it('isWholeNumber takes nothing that a double does not hold exactly', () => {
  expect(isWholeNumber(2 ** 53 - 1, 0, Infinity)).toBe(true)
  expect(isWholeNumber(2 ** 53, 0, Infinity)).toBe(false)
})
