import { expect, it } from 'vitest'
import { exitCodes, gravest } from './exit-codes.ts'

it('are those that scripts act on', () => {
  expect(exitCodes).toEqual({
    ok: 0,
    differs: 1,
    usage: 64,
    integrity: 65,
    notFound: 66,
    unavailable: 69,
    other: 70,
    denied: 77,
    notExecutable: 126,
    noSuchCommand: 127,
    interrupted: 130,
  })
})

it.each([
  [[], 0],
  [[0, 0], 0],
  [[0, 1], 1],
  [[1, 66, 0], 66],
  [[66, 1, 69], 69],
  [[0, 66, 77, 65], 77],
])('of %j, what could not be asked comes first, then what is missing, then what is wrong: %i', (codes, first) => {
  expect(gravest(codes)).toBe(first)
})
