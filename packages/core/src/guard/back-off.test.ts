import { afterEach, describe, expect, it, vi } from 'vitest'
import { backOff, type BackOff } from './back-off.ts'
import { SecretsError } from '../errors/secrets-error.ts'

const failure = new SecretsError('UNAVAILABLE', 'down')
const denial = new SecretsError('PERMISSION_DENIED', 'no')

afterEach(() => vi.restoreAllMocks())

function waits(random: number, count: number, error = failure): number[] {
  vi.spyOn(Math, 'random').mockReturnValue(random)
  let before: BackOff | undefined
  return Array.from({ length: count }, () => (before = backOff(error, before, 1_000)).retryAt - 1_000)
}

describe('backOff', () => {
  it('doubles its longest wait from 0.5 s, to 4 s in an outage and to 60 s otherwise', () => {
    expect(waits(1, 6)).toEqual([500, 1_000, 2_000, 4_000, 4_000, 4_000])
    expect(waits(1, 10, denial)).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000])
  })

  it('adds retryAt to an outage, and keeps an answer unchanged', () => {
    vi.spyOn(Math, 'random').mockReturnValue(1)
    expect(backOff(failure, undefined, 1_000).error.retryAt).toBe(1_500)
    expect(backOff(denial, undefined, 1_000).error).toBe(denial)
  })

  it('waits a random part of it, from zero', () => {
    expect(waits(0, 3)).toEqual([0, 0, 0])
    expect(waits(0.5, 3)).toEqual([250, 500, 1_000])
  })

  it('stays at 60 s however often the store fails', () => {
    expect(waits(1, 2_000, denial).at(-1)).toBe(60_000)
  })

  it('waits until the time that the store named, plus a random spread', () => {
    const throttled = (retryAt: number): SecretsError => new SecretsError('RATE_LIMITED', 'slow down', { retryAt })
    const waitedFor = (random: number, retryAt: number): number => {
      vi.spyOn(Math, 'random').mockReturnValue(random)
      return backOff(throttled(retryAt), undefined, 1_000).retryAt
    }
    expect([0, 0.5, 1].map((random) => waitedFor(random, 9_000))).toEqual([9_000, 9_250, 9_500])
    expect([0, 0.5, 1].map((random) => waitedFor(random, 500))).toEqual([1_000, 1_250, 1_500])
  })

  it('does not double if the store named a time', () => {
    vi.spyOn(Math, 'random').mockReturnValue(1)
    const throttled = new SecretsError('RATE_LIMITED', 'slow down', { retryAt: 9_000 })
    const first = backOff(failure, undefined, 0)
    expect(backOff(throttled, first, 8_000).failures).toBe(1)
    expect(backOff(failure, backOff(throttled, first, 8_000), 10_000).retryAt).toBe(11_000)
  })

  it('limits a time that the store names to 15 minutes', () => {
    vi.spyOn(Math, 'random').mockReturnValue(0)
    expect(backOff(new SecretsError('RATE_LIMITED', 'slow down', { retryAt: 1e15 }), undefined, 0).retryAt).toBe(900_000)
  })

  it('ignores a time that is not a number', () => {
    vi.spyOn(Math, 'random').mockReturnValue(1)
    const throttled = new SecretsError('RATE_LIMITED', 'slow down', { retryAt: Date.parse('soon') })
    expect(backOff(throttled, backOff(throttled, undefined, 0), 0, { staleUntil: 60_000 })).toMatchObject({
      failures: 2,
      retryAt: 1_000,
      restUntil: 1_000,
    })
  })

  it('rests no longer than it waits if no stale value is held', () => {
    vi.spyOn(Math, 'random').mockReturnValue(1)
    let before: BackOff | undefined
    for (let times = 0; times < 6; times += 1) before = backOff(failure, before, 0)
    expect([before?.retryAt, before?.restUntil]).toEqual([4_000, 4_000])
  })

  it('remembers the latest failure', () => {
    const first = backOff(failure, undefined, 0)
    const second = backOff(new SecretsError('DEADLINE_EXCEEDED', 'slow'), first, 0)
    expect([first.failures, second.failures, second.error.code]).toEqual([1, 2, 'DEADLINE_EXCEEDED'])
  })

  describe('with a stale value', () => {
    /** A store that is away from 0 on, and asked anew at each of these times; how long whoever has a value rests after the last. */
    function rests(times: readonly number[], staleUntil: number, random = 1): number {
      vi.spyOn(Math, 'random').mockReturnValue(random)
      let before: BackOff | undefined
      for (const now of times)
        before = backOff(new SecretsError('UNAVAILABLE', 'left alone', { retryAt: now }), before, now, { staleUntil })
      return (before?.restUntil ?? NaN) - (times.at(-1) ?? NaN)
    }

    it('spreads retries over half the outage, up to a minute', () => {
      expect([10_000, 40_000, 120_000, 900_000].map((now) => rests([0, now], 1e9))).toEqual([5_000, 20_000, 60_000, 60_000])
      expect([0, 0.5].map((random) => rests([0, 40_000], 1e9, random))).toEqual([0, 10_000])
    })

    it('spreads over half the outage, whenever that began', () => {
      expect(rests([1_000_000, 1_040_000], 1e9)).toBe(20_000)
    })

    it("takes at most half of the value's remaining life", () => {
      expect(rests([0, 100_000], 110_000)).toBe(5_000)
    })

    it('retries up to once a minute, without extra spread if one process asks for all', () => {
      vi.spyOn(Math, 'random').mockReturnValue(1)
      let before: BackOff | undefined
      const waitsFor = Array.from({ length: 10 }, () => {
        before = backOff(failure, before, 0, { staleUntil: 1e9, isShared: true })
        return [before.retryAt, before.restUntil]
      })
      expect(waitsFor.map(([retryAt]) => retryAt)).toEqual([500, 1_000, 2_000, 4_000, 4_000, 4_000, 4_000, 4_000, 4_000, 4_000])
      expect(waitsFor.map(([, rest]) => rest)).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000])
      const first = backOff(failure, undefined, 0, { staleUntil: 1e9, isShared: true })
      const later = new SecretsError('UNAVAILABLE', 'left alone', { retryAt: 100_000 })
      expect(backOff(later, first, 100_000, { staleUntil: 1e9, isShared: true }).restUntil).toBe(100_500)
    })

    it('is not longer than without one if there is nothing to spread', () => {
      expect([rests([0], 1e9), rests([0, 100_000], 100_001), rests([0, 100_000], 50_000)]).toEqual([500, 500, 500])
    })
  })
})
