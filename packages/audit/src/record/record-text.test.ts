import fc from 'fast-check'
import { expect, it } from 'vitest'
import { isoTime, timeOf } from './record-text.ts'

it('gives every record a time that readers of the trail accept, whatever a core of another version says', () => {
  expect(timeOf(1_800_000_000_000.75)).toBe(1_800_000_000_000)
  fc.assert(
    fc.property(fc.anything(), fc.double(), (anything, number) => {
      for (const time of [timeOf(anything), timeOf(number)]) expect(Number.isSafeInteger(time) && time >= 0).toBe(true)
    }),
  )
})

it('gives a text to every time that a date can hold, and to no other', () => {
  expect([0, 8.64e15, 8.64e15 + 1, Number.NaN].map(isoTime)).toEqual([
    '1970-01-01T00:00:00.000Z',
    '+275760-09-13T00:00:00.000Z',
    undefined,
    undefined,
  ])
})
