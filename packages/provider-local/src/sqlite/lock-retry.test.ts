import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { failure } from '../testing/temporary-store.ts'
import { LockQueue, type LockWait, retryWhileBusy } from './lock-retry.ts'
import { LockHeld } from './sqlite-errors.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const patient: LockWait = { signal: new AbortController().signal, lockTimeoutMs: 300 }

/** A lock that counts attempts. */
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
  test('retries until the lock is free', async () => {
    const one = lock()
    const call = retryWhileBusy(one.attempt, patient)
    await vi.advanceTimersByTimeAsync(100)
    one.held = false
    await vi.advanceTimersByTimeAsync(50)
    expect(await call).toBe('done')
  })

  test('does not try once its signal has fired', async () => {
    const one = lock()
    expect((await failure(retryWhileBusy(one.attempt, { ...patient, signal: AbortSignal.abort() }))).code).toBe('ABORTED')
    expect(one.tries).toBe(0)
  })

  test('gives up after its timeout, though the clock is set back meanwhile', async () => {
    const call = failure(retryWhileBusy(lock().attempt, patient))
    vi.setSystemTime(Date.now() - 3_600_000)
    await vi.advanceTimersByTimeAsync(400)
    expect((await call).code).toBe('UNAVAILABLE')
  })

  test('waits for any timeout, however long', async () => {
    const one = lock()
    const queue = new LockQueue()
    const calls = [1, 2].map(() => retryWhileBusy(one.attempt, { ...patient, lockTimeoutMs: 1e12 }, queue))
    await vi.advanceTimersByTimeAsync(1000)
    expect(one.tries).toBeLessThan(200)
    one.held = false
    await vi.advanceTimersByTimeAsync(50)
    expect(await Promise.all(calls)).toEqual(['done', 'done'])
  })
})

describe('many calls that wait for one lock', () => {
  test('retry one at a time, and all succeed in order', async () => {
    const one = lock()
    const queue = new LockQueue()
    const calls = Array.from({ length: 1000 }, () => retryWhileBusy(one.attempt, patient, queue))
    await vi.advanceTimersByTimeAsync(0)
    await vi.advanceTimersByTimeAsync(200)
    expect(one.tries).toBeLessThan(200) // the first caller's own attempts only
    one.held = false
    await vi.advanceTimersByTimeAsync(30)
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['done']))
  })

  test('each end by their own signal or timeout without delaying others', async () => {
    const one = lock()
    const queue = new LockQueue()
    const controller = new AbortController()
    const aborted = [1, 2].map(() => failure(retryWhileBusy(one.attempt, { ...patient, signal: controller.signal }, queue)))
    const impatient = failure(retryWhileBusy(one.attempt, { ...patient, lockTimeoutMs: 20 }, queue))
    const last = retryWhileBusy(one.attempt, patient, queue)
    await vi.advanceTimersByTimeAsync(30)
    expect((await impatient).code).toBe('UNAVAILABLE')
    controller.abort()
    expect((await Promise.all(aborted)).map(({ code }) => code)).toEqual(['ABORTED', 'ABORTED'])
    one.held = false
    await vi.advanceTimersByTimeAsync(50)
    expect(await last).toBe('done')
  })
})
