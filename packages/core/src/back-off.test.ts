import { afterEach, describe, expect, it, vi } from 'vitest'
import { backOff, type BackOff } from './back-off.ts'
import { SecretsError } from './secrets-error.ts'

const failure = new SecretsError('UNAVAILABLE', 'down')

afterEach(() => vi.restoreAllMocks())

function waits(random: number, count: number): number[] {
  vi.spyOn(Math, 'random').mockReturnValue(random)
  let before: BackOff | undefined
  return Array.from({ length: count }, () => (before = backOff(failure, before, 1_000)).retryAt - 1_000)
}

describe('backOff', () => {
  it('doubles its longest wait from 0.5 s to 60 s', () => {
    expect(waits(1, 10)).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000])
  })

  it('waits a random part of it, down to nothing', () => {
    expect(waits(0, 3)).toEqual([0, 0, 0])
    expect(waits(0.5, 3)).toEqual([250, 500, 1_000])
  })

  it('stays at 60 s however often the store fails', () => {
    expect(waits(1, 2_000).at(-1)).toBe(60_000)
  })

  it('never asks before the time that the store named, nor sooner because of it', () => {
    vi.spyOn(Math, 'random').mockReturnValue(1)
    const throttled = (retryAt: number): SecretsError => new SecretsError('RATE_LIMITED', 'slow down', { retryAt })
    expect(backOff(throttled(9_000), undefined, 1_000).retryAt).toBe(9_000)
    expect(backOff(throttled(1_100), undefined, 1_000).retryAt).toBe(1_500)
  })

  it('does not double for a store that named a time, since it was left alone till then', () => {
    vi.spyOn(Math, 'random').mockReturnValue(1)
    const throttled = new SecretsError('RATE_LIMITED', 'slow down', { retryAt: 9_000 })
    const first = backOff(failure, undefined, 0)
    expect(backOff(throttled, first, 8_000).failures).toBe(1)
    expect(backOff(failure, backOff(throttled, first, 8_000), 10_000).retryAt).toBe(11_000)
  })

  it('believes no store that names a time more than 15 minutes away', () => {
    vi.spyOn(Math, 'random').mockReturnValue(1)
    expect(backOff(new SecretsError('RATE_LIMITED', 'slow down', { retryAt: 1e15 }), undefined, 0).retryAt).toBe(900_000)
  })

  it('remembers the latest failure', () => {
    const first = backOff(failure, undefined, 0)
    const second = backOff(new SecretsError('DEADLINE_EXCEEDED', 'slow'), first, 0)
    expect([first.failures, second.failures, second.error.code]).toEqual([1, 2, 'DEADLINE_EXCEEDED'])
  })
})
