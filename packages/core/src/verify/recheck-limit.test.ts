import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { RecheckLimit } from './recheck-limit.ts'

beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }))
afterEach(() => void vi.useRealTimers())

const [store, other] = [{}, {}]

describe('RecheckLimit', () => {
  it('is open for the first mismatch of a secret, and then closed for 5 s', () => {
    const limit = new RecheckLimit(10)
    expect(limit.isOpen(store, 'a')).toBe(true)
    limit.record(store, 'a')
    vi.setSystemTime(1_004_999)
    expect([limit.isOpen(store, 'a'), limit.isOpen(store, 'b'), limit.isOpen(other, 'a')]).toEqual([false, true, true])
    vi.setSystemTime(1_005_000)
    expect(limit.isOpen(store, 'a')).toBe(true)
  })

  it('stays open while a recheck is running, which is not replaced', async () => {
    const limit = new RecheckLimit(10)
    const { promise, resolve } = Promise.withResolvers<void>()
    limit.record(store, 'a', promise)
    const running = limit.running(store, 'a')
    limit.record(store, 'a')
    limit.record(store, 'a', Promise.resolve())
    expect(limit.isOpen(store, 'a')).toBe(true)
    // `toEqual` takes two promises for equal.
    expect(limit.running(store, 'a')).toBe(running)
    resolve()
    await running
    expect([limit.isOpen(store, 'a'), limit.running(store, 'a')]).toEqual([false, undefined])
  })

  it('counts a failed recheck', async () => {
    const limit = new RecheckLimit(10)
    limit.record(store, 'a', Promise.reject(new Error('x')))
    await limit.running(store, 'a')
    expect(limit.isOpen(store, 'a')).toBe(false)
  })

  it('is open again after a match, or if the clock is set back', () => {
    const limit = new RecheckLimit(10)
    for (const path of ['a', 'b']) limit.record(store, path)
    limit.reset(store, 'a')
    limit.reset(other, 'b')
    expect([limit.isOpen(store, 'a'), limit.isOpen(store, 'b')]).toEqual([true, false])
    vi.setSystemTime(900_000)
    expect(limit.isOpen(store, 'b')).toBe(true)
  })

  it('is open again after 5 s, though the clock was set back to the time of the recheck', () => {
    const limit = new RecheckLimit(10)
    limit.record(store, 'a')
    vi.advanceTimersByTime(5_000)
    vi.setSystemTime(1_000_000)
    expect(limit.isOpen(store, 'a')).toBe(true)
  })

  it('remembers as many secrets of a store as its cache', () => {
    const limit = new RecheckLimit(2)
    for (const path of ['a', 'b', 'c']) limit.record(store, path)
    expect(['a', 'b', 'c'].map((path) => limit.isOpen(store, path))).toEqual([true, false, false])
  })
})
