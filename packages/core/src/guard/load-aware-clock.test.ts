import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { LoadAwareClock } from './load-aware-clock.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

/** The process is not run, or is busy, for so long: the time of day goes on, and no timer fires. */
function heldUp(ms: number): void {
  lostMs += ms
}

let lostMs = 0
beforeEach(() => {
  lostMs = 0
  const timerNow = performance.now.bind(performance)
  vi.spyOn(performance, 'now').mockImplementation(() => timerNow() + lostMs)
})

function started(ms: number): { clock: LoadAwareClock; done: ReturnType<typeof vi.fn<() => void>>; stop: () => void } {
  const clock = new LoadAwareClock()
  const done = vi.fn<() => void>()
  return { clock, done, stop: clock.after(ms, done) }
}

it.each([1, 3, 7, 50, 250, 999])('keeps time in a process that is not blocked: %d ms', async (ms) => {
  const { done } = started(ms)
  await vi.advanceTimersByTimeAsync(ms - 1)
  expect(done).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(1)
  expect(done).toHaveBeenCalledTimes(1)
  expect(vi.getTimerCount()).toBe(0)
})

it('calls back in order of time, unless it was cancelled', async () => {
  const clock = new LoadAwareClock()
  const order: number[] = []
  const stops = [30, 10, 20].map((ms) => clock.after(ms, () => order.push(ms)))
  await vi.advanceTimersByTimeAsync(15)
  stops[2]?.()
  await vi.advanceTimersByTimeAsync(30)
  expect(order).toEqual([10, 30])
})

it('stands still while nothing waits, and keeps no process alive', async () => {
  const { clock, stop } = started(1_000)
  await vi.advanceTimersByTimeAsync(10)
  stop()
  stop()
  expect(vi.getTimerCount()).toBe(0)
  const { now } = clock
  await vi.advanceTimersByTimeAsync(10_000)
  expect(clock.now).toBe(now)
})

it('does not count the time in which the process was blocked', async () => {
  const { clock, done } = started(50)
  await vi.advanceTimersByTimeAsync(10)
  heldUp(10_000)
  await vi.advanceTimersByTimeAsync(5)
  expect(done).not.toHaveBeenCalled()
  expect(clock.now).toBeLessThan(20)
})
