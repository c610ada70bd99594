import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { isUpcoming } from './upcoming.ts'

beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }))
afterEach(() => void vi.useRealTimers())

it.each([
  [1_000_001, true],
  [1_060_000, true],
  [1_060_001, false],
  [1_000_000, false],
  [0, false],
  [Number.NaN, false],
])('%d is to come within 60 s of 1,000,000: %s', (time, expected) => {
  expect(isUpcoming(time, 60_000)).toBe(expected)
})
