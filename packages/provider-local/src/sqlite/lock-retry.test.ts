import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { LockQueue, type Patience, whileBusy } from './lock-retry.ts'
import { LockHeld } from './sqlite-errors.ts'
import { failure } from '../testing/temporary-store.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const patient: Patience = { signal: new AbortController().signal, lockTimeoutMs: 300 }

/** A lock, and how often it was tried for. */
function lock(): { held: boolean; tries: number; readonly attempt: () => string } {
  const state = {
    held: true,
    tries: 0,
    attempt: (): string => {
      state.tries++
      if (state.held) throw new LockHeld()
      return 'done'
    },
  }
  return state
}

describe('a call that meets a held lock', () => {
  test('tries again until the lock is free', async () => {
    const one = lock()
    const call = whileBusy(one.attempt, patient)
    await vi.advanceTimersByTimeAsync(100)
    one.held = false
    await vi.advanceTimersByTimeAsync(50)
    expect(await call).toBe('done')
  })

  test('tries nothing once its signal has fired', async () => {
    const one = lock()
    expect((await failure(whileBusy(one.attempt, { ...patient, signal: AbortSignal.abort() }))).code).toBe('ABORTED')
    expect(one.tries).toBe(0)
  })

  test('gives up after its patience, though the clock is set back meanwhile', async () => {
    const call = failure(whileBusy(lock().attempt, patient))
    vi.setSystemTime(Date.now() - 3_600_000)
    await vi.advanceTimersByTimeAsync(400)
    expect((await call).code).toBe('UNAVAILABLE')
  })

  test('waits for any time that may be asked for', async () => {
    const one = lock()
    const queue = new LockQueue()
    const calls = [1, 2].map(() => whileBusy(one.attempt, { ...patient, lockTimeoutMs: 1e12 }, queue))
    await vi.advanceTimersByTimeAsync(1000)
    expect(one.tries).toBeLessThan(200)
    one.held = false
    await vi.advanceTimersByTimeAsync(50)
    expect(await Promise.all(calls)).toEqual(['done', 'done'])
  })
})

describe('of many calls that meet the same lock', () => {
  test('one tries for it at a time, and all get it in their turn', async () => {
    const one = lock()
    const queue = new LockQueue()
    const calls = Array.from({ length: 1000 }, () => whileBusy(one.attempt, patient, queue))
    await vi.advanceTimersByTimeAsync(0)
    await vi.advanceTimersByTimeAsync(200)
    expect(one.tries).toBeLessThan(200) // the first's own, and nobody else's
    one.held = false
    await vi.advanceTimersByTimeAsync(30)
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['done']))
  })

  test('each ends by its own signal or patience, and holds up nobody behind it', async () => {
    const one = lock()
    const queue = new LockQueue()
    const controller = new AbortController()
    const aborted = [1, 2].map(() => failure(whileBusy(one.attempt, { ...patient, signal: controller.signal }, queue)))
    const impatient = failure(whileBusy(one.attempt, { ...patient, lockTimeoutMs: 20 }, queue))
    const last = whileBusy(one.attempt, patient, queue)
    await vi.advanceTimersByTimeAsync(30)
    expect((await impatient).code).toBe('UNAVAILABLE')
    controller.abort()
    expect((await Promise.all(aborted)).map(({ code }) => code)).toEqual(['ABORTED', 'ABORTED'])
    one.held = false
    await vi.advanceTimersByTimeAsync(50)
    expect(await last).toBe('done')
  })
})
