import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { VersionSelector } from '../keys/lru.ts'
import { HighWaterMark } from './high-water-mark.ts'

const now = 1_000_000

beforeEach(() => void vi.useFakeTimers({ now }))
afterEach(() => vi.useRealTimers())

function admits(horizon: HighWaterMark, path: string, version: VersionSelector, askedAt: number): boolean {
  return askedAt >= horizon.of(path, version)
}

it('admits later answers, and nothing older', () => {
  const horizon = new HighWaterMark()
  expect(admits(horizon, 'a', undefined, 0)).toBe(true)
  horizon.raise('a', undefined, 500)
  horizon.raise('a', undefined, 400)
  expect([499, 500, 501].map((askedAt) => admits(horizon, 'a', undefined, askedAt))).toEqual([false, true, true])
  expect(admits(horizon, 'b', undefined, 0)).toBe(true)
})

it('of the current secret also bounds its versions, but not vice versa', () => {
  const horizon = new HighWaterMark()
  horizon.raise('a', 1, 700)
  horizon.raise('a', undefined, 500)
  expect([admits(horizon, 'a', undefined, 500), admits(horizon, 'a', 1, 699), admits(horizon, 'a', 1, 700)]).toEqual([true, false, true])
  expect([admits(horizon, 'a', 'previous', 499), admits(horizon, 'a', 'previous', 500)]).toEqual([false, true])
})

it('refuses too much, never too little, with more paths than it can remember', () => {
  const horizon = new HighWaterMark()
  horizon.raise('first', undefined, 500)
  for (let count = 0; count < 10_000; count += 1) horizon.raise(`path-${count}`, undefined, 100)
  expect([
    admits(horizon, 'first', undefined, 499),
    admits(horizon, 'first', undefined, 500),
    admits(horizon, 'new', undefined, 499),
  ]).toEqual([false, true, false])
  expect(admits(horizon, 'path-9999', undefined, 100)).toBe(true)
})

it('from a clock that is set back later does not last', () => {
  const horizon = new HighWaterMark()
  for (let count = 0; count <= 10_000; count += 1) horizon.raise(`path-${count}`, undefined, now)
  vi.setSystemTime(1_000)
  expect([
    admits(horizon, 'path-1', undefined, 1_000),
    admits(horizon, 'new', undefined, 999),
    admits(horizon, 'new', undefined, 1_000),
  ]).toEqual([false, false, true])
  horizon.raise('path-1', undefined, 1_000)
  expect(admits(horizon, 'path-1', undefined, 1_000)).toBe(true)
})
