import fc from 'fast-check'
import { expect, it } from 'vitest'
import { timeOf } from './record-text.ts'

it('gives every record a time that readers of the trail accept, whatever a core of another version says', () => {
  expect(timeOf(1_800_000_000_000.75)).toBe(1_800_000_000_000)
  fc.assert(
    fc.property(fc.anything(), fc.double(), (anything, number) => {
      for (const time of [timeOf(anything), timeOf(number)]) expect(Number.isSafeInteger(time) && time >= 0).toBe(true)
    }),
  )
})
