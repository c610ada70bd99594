import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Schedule } from './schedule.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

describe('a schedule', () => {
  it('runs many tasks with one timer, none too early and none 250 ms late', async () => {
    const schedule = new Schedule()
    const late: number[] = []
    for (let each = 0; each < 1_000; each += 1) {
      const due = performance.now() + 30_000 * Math.random()
      schedule.after(due - performance.now(), () => late.push(performance.now() - due))
    }
    expect(vi.getTimerCount()).toBe(1)
    await vi.advanceTimersByTimeAsync(30_300)
    expect(late).toHaveLength(1_000)
    // Timers of Node.js fire at whole milliseconds.
    expect(Math.min(...late)).toBeGreaterThan(-1)
    expect(Math.max(...late)).toBeLessThan(252)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('runs no cancelled task, and needs no timer for it', async () => {
    const schedule = new Schedule()
    const ran: string[] = []
    const cancel = schedule.after(1_000, () => ran.push('first'))
    schedule.after(5_000, () => ran.push('second'))
    cancel()
    await vi.advanceTimersByTimeAsync(4_000)
    expect(ran).toEqual([])
    await vi.advanceTimersByTimeAsync(1_300)
    expect(ran).toEqual(['second'])
    schedule.after(1_000, () => {})()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('runs a sooner task before one that waits, and tasks that a task adds', async () => {
    const schedule = new Schedule()
    const ran: string[] = []
    schedule.after(5_000, () => ran.push('late'))
    schedule.after(1_000, () => {
      ran.push('soon')
      schedule.after(1_000, () => ran.push('next'))
    })
    await vi.advanceTimersByTimeAsync(6_000)
    expect(ran).toEqual(['soon', 'next', 'late'])
  })

  it('runs the other tasks of a moment if one of them is cancelled', async () => {
    const schedule = new Schedule()
    const ran: string[] = []
    const cancels = ['first', 'second', 'third'].map((task) => schedule.after(1_000, () => ran.push(task)))
    for (const _ of [1, 2]) cancels[1]?.()
    await vi.advanceTimersByTimeAsync(1_300)
    expect(ran).toEqual(['first', 'third'])
  })

  it('runs a task at its own time, however old the process is', async () => {
    await vi.advanceTimersByTimeAsync(100_000)
    const schedule = new Schedule()
    const ran: string[] = []
    for (const seconds of [1, 2]) schedule.after(seconds * 1_000, () => ran.push(`after ${seconds} s`))
    await vi.advanceTimersByTimeAsync(1_300)
    expect(ran).toEqual(['after 1 s'])
  })

  it('runs at once all that a process missed which stood still', async () => {
    const schedule = new Schedule()
    const ran: number[] = []
    for (const seconds of [1, 2, 3]) schedule.after(seconds * 1_000, () => ran.push(performance.now()))
    const now = performance.now.bind(performance)
    vi.spyOn(performance, 'now').mockImplementation(() => now() + 60_000)
    await vi.advanceTimersByTimeAsync(1_300)
    vi.restoreAllMocks()
    expect([ran.length, new Set(ran).size]).toEqual([3, 1])
  })

  it('waits for the longest time that a timer can wait', async () => {
    const schedule = new Schedule()
    let hasRun = false
    schedule.after(2 ** 31 - 1, () => (hasRun = true))
    await vi.advanceTimersByTimeAsync(60_000)
    expect(hasRun).toBe(false)
  })

  it('keeps no process alive', () => {
    const timers = vi.spyOn(globalThis, 'setTimeout')
    new Schedule().after(1_000, () => {})
    expect(timers.mock.results[0]?.value.hasRef()).toBe(false)
  })
})
