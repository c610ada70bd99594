import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { LoadAwareClock } from './load-aware-clock.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

/** The process is not run, or is busy, for so long: the time of day goes on, and no timer fires. */
function heldUp(ms: number, { isBusy = false } = {}): void {
  if (isBusy) vi.mocked(process.cpuUsage).mockReturnValue({ user: 1_000 * (usedMs += ms), system: 0 })
  lostMs += ms
}

let [usedMs, lostMs] = [0, 0]
beforeEach(() => {
  usedMs = 0
  lostMs = 0
  const timerNow = performance.now.bind(performance)
  vi.spyOn(performance, 'now').mockImplementation(() => timerNow() + lostMs)
  vi.spyOn(process, 'cpuUsage').mockReturnValue({ user: 0, system: 0 })
})

function started(ms: number): { clock: LoadAwareClock; done: ReturnType<typeof vi.fn<() => void>>; stop: () => void } {
  const clock = new LoadAwareClock()
  const done = vi.fn<() => void>()
  return { clock, done, stop: clock.after(ms, done) }
}

it.each([1, 3, 7, 50, 250, 999])('is a clock like any other in a process that is not held up: %d ms', async (ms) => {
  const { clock, done } = started(ms)
  await vi.advanceTimersByTimeAsync(ms - 1)
  expect([done.mock.calls.length, clock.pace]).toEqual([0, 1])
  await vi.advanceTimersByTimeAsync(1)
  expect(done).toHaveBeenCalledTimes(1)
  expect(vi.getTimerCount()).toBe(0)
})

it('calls back in the order of the times, and not once it was told not to', async () => {
  const clock = new LoadAwareClock()
  const order: number[] = []
  const stops = [30, 10, 20].map((ms) => clock.after(ms, () => order.push(ms)))
  await vi.advanceTimersByTimeAsync(15)
  stops[2]?.()
  await vi.advanceTimersByTimeAsync(30)
  expect(order).toEqual([10, 30])
})

it('stands still while nobody waits, and holds no process', async () => {
  const { clock, stop } = started(1_000)
  await vi.advanceTimersByTimeAsync(10)
  stop()
  stop()
  expect(vi.getTimerCount()).toBe(0)
  const { now } = clock
  await vi.advanceTimersByTimeAsync(10_000)
  expect(clock.now).toBe(now)
})

it.each([true, false])('does not count the time in which the process could hear nothing (busy itself: %s)', async (isBusy) => {
  const { clock, done } = started(50)
  await vi.advanceTimersByTimeAsync(10)
  heldUp(10_000, { isBusy })
  await vi.advanceTimersByTimeAsync(5)
  expect(done).not.toHaveBeenCalled()
  expect(clock.now).toBeLessThan(20)
})

it('goes slower for a while where others were run instead of the process, and not where it was busy itself', async () => {
  const busy = started(50)
  await vi.advanceTimersByTimeAsync(1)
  heldUp(100, { isBusy: true })
  await vi.advanceTimersByTimeAsync(60)
  expect([busy.clock.pace, busy.done.mock.calls.length]).toEqual([1, 1])

  const starved = started(50)
  await vi.advanceTimersByTimeAsync(1)
  heldUp(100)
  await vi.advanceTimersByTimeAsync(100)
  expect(starved.done).not.toHaveBeenCalled()
  expect(starved.clock.pace).toBeLessThan(0.1)
  await vi.advanceTimersByTimeAsync(1_000)
  expect(starved.done).toHaveBeenCalledTimes(1)
})

it('goes at a twentieth of the time of day at least, and like any other again after a minute', async () => {
  const { clock } = started(100_000)
  await vi.advanceTimersByTimeAsync(1)
  heldUp(1_000_000)
  await vi.advanceTimersByTimeAsync(5)
  expect(clock.pace).toBe(1 / 20)
  const [before, at] = [clock.now, performance.now()]
  await vi.advanceTimersByTimeAsync(1_000)
  expect((clock.now - before) / (performance.now() - at)).toBeCloseTo(1 / 20)
  await vi.advanceTimersByTimeAsync(200_000)
  expect(clock.pace).toBeGreaterThan(0.99)
})
