import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { HighWaterMark } from './high-water-mark.ts'

const now = 1_000_000

beforeEach(() => void vi.useFakeTimers({ now }))
afterEach(() => vi.useRealTimers())

it('admits later answers, and nothing older', () => {
  const horizon = new HighWaterMark()
  expect(horizon.admits('a', undefined, 0)).toBe(true)
  horizon.raise('a', undefined, 500)
  horizon.raise('a', undefined, 400)
  expect([499, 500, 501].map((askedAt) => horizon.admits('a', undefined, askedAt))).toEqual([false, true, true])
  expect(horizon.admits('b', undefined, 0)).toBe(true)
})

it('of the current secret also bounds its versions, but not vice versa', () => {
  const horizon = new HighWaterMark()
  horizon.raise('a', 1, 700)
  horizon.raise('a', undefined, 500)
  expect([horizon.admits('a', undefined, 500), horizon.admits('a', 1, 699), horizon.admits('a', 1, 700)]).toEqual([true, false, true])
  expect([horizon.admits('a', 'previous', 499), horizon.admits('a', 'previous', 500)]).toEqual([false, true])
})

it('refuses too much, never too little, with more paths than it can remember', () => {
  const horizon = new HighWaterMark()
  horizon.raise('first', undefined, 500)
  for (let count = 0; count < 10_000; count += 1) horizon.raise(`path-${count}`, undefined, 100)
  expect([horizon.admits('first', undefined, 499), horizon.admits('first', undefined, 500), horizon.admits('new', undefined, 499)]).toEqual(
    [false, true, false],
  )
  expect(horizon.admits('path-9999', undefined, 100)).toBe(true)
})

it('from a clock that is set back later does not last', () => {
  const horizon = new HighWaterMark()
  for (let count = 0; count <= 10_000; count += 1) horizon.raise(`path-${count}`, undefined, now)
  vi.setSystemTime(1_000)
  expect([
    horizon.admits('path-1', undefined, 1_000),
    horizon.admits('new', undefined, 999),
    horizon.admits('new', undefined, 1_000),
  ]).toEqual([false, false, true])
  horizon.raise('path-1', undefined, 1_000)
  expect(horizon.admits('path-1', undefined, 1_000)).toBe(true)
})
