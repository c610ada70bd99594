import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { ageOf, earlier, pastMoment, presentMoment } from './moment.ts'

beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }))
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
  expect(ageOf(pastMoment(1_000_000 - 300))).toBe(300)
  const ahead = pastMoment(1_000_000 + 300)
  expect(ahead).toEqual({ wall: 1_000_300, monotonic: presentMoment().monotonic })
})
