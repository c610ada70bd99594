import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { durationMs } from './duration.ts'

const units = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const
const unit = fc.constantFrom('s', 'm', 'h', 'd', 'w')
const longest = 3_650 * units.d

describe('a duration', () => {
  test('is a count and a unit', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 520 }), unit, (count, each) => {
        expect(durationMs('every', `${count}${each}`)).toBe(count * units[each])
      }),
    )
  })

  test('is the sum of several, each unit once, with a space or without', () => {
    const parts = fc.uniqueArray(fc.record({ count: fc.integer({ min: 1, max: 99 }), each: unit }), { minLength: 1, maxLength: 5, selector: ({ each }) => each })
    fc.assert(
      fc.property(parts, fc.constantFrom('', ' '), (list, space) => {
        const sum = list.reduce((total, { count, each }) => total + count * units[each], 0)
        expect(durationMs('every', list.map(({ count, each }) => `${count}${each}`).join(space))).toBe(sum)
      }),
    )
  })

  test('of any other text is refused, or within the limits', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9smhdw .-]{0,8}$/)), (text) => {
        try {
          const ms = durationMs('every', text)
          expect(ms).toBeGreaterThan(0)
          expect(ms).toBeLessThanOrEqual(longest)
          expect(text).toMatch(/^[\dsmhdw ]+$/)
        } catch (error) {
          expect(error).toMatchObject({ code: 'CONFIGURATION' })
        }
      }),
    )
  })

  test.each(['', '30', 'd', '0d', '-1d', '1.5h', '1d1d', '30 d', '1y', ' 1d', '3651d', '999999999w', 7, null])('is not %j', (text) => {
    expect(() => durationMs('every', text as string)).toThrow(expect.objectContaining({ code: 'CONFIGURATION', message: expect.stringContaining('`every`') }))
  })

  test('is at most ten years', () => {
    expect(durationMs('every', '3650d')).toBe(longest)
  })
})
