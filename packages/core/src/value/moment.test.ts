import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { ageOf, earlier, pastMoment, presentMoment } from './moment.ts'

beforeEach(() => {
  vi.useFakeTimers({ now: 993_000 })
  vi.advanceTimersByTime(7_000) // the monotonic clock has gone on
})
afterEach(() => void vi.useRealTimers())

it('a moment grows older by the clock that has gone further', () => {
  const moment = presentMoment()
  vi.advanceTimersByTime(500)
  expect(ageOf(moment)).toBe(500)
  vi.setSystemTime(1_000_000 - 60_000)
  expect(ageOf(moment)).toBe(500)
  vi.setSystemTime(1_000_000 + 60_000)
  expect(ageOf(moment)).toBe(60_000)
})

it('an earlier moment is older by both clocks', () => {
  const [now, before] = [presentMoment(), earlier(presentMoment(), 300)]
  expect([now.wall - before.wall, now.monotonic - before.monotonic, ageOf(before)]).toEqual([300, 300, 300])
})

it('a past time of another clock is as old as this clock says, and the present if it is ahead', () => {
  const past = pastMoment(1_000_000 - 300)
  expect([past, ageOf(past)]).toEqual([{ wall: 999_700, monotonic: presentMoment().monotonic - 300 }, 300])
  const ahead = pastMoment(1_000_000 + 300)
  expect(ahead).toEqual({ wall: 1_000_300, monotonic: presentMoment().monotonic })
})
