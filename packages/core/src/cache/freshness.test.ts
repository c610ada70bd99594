import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { absence, freshness, sharedLifeMs } from './freshness.ts'

const lifetimes = { ttlMs: 300_000, maxStaleMs: 300_000 }

afterEach(() => vi.restoreAllMocks())

function drawn(random: number): void {
  vi.spyOn(Math, 'random').mockReturnValue(random)
}

describe('freshness', () => {
  it.each([
    [0, 240_000],
    [0.5, 270_000],
    [1, 300_000],
  ])('takes a random 0.8 to 1 of the TTL: %d', (random, freshUntil) => {
    drawn(random)
    expect(freshness({}, 1_000, lifetimes)).toEqual({
      refreshAt: 1_000 + 0.8 * freshUntil,
      freshUntil: 1_000 + freshUntil,
      staleUntil: 301_000 + freshUntil,
    })
  })

  it('never passes expiresAt, not even for a stale answer', () => {
    drawn(1)
    expect(freshness({ expiresAt: 100_000 }, 0, lifetimes)).toEqual({ refreshAt: 80_000, freshUntil: 100_000, staleUntil: 100_000 })
    expect(freshness({ expiresAt: 400_000 }, 0, lifetimes)).toMatchObject({ freshUntil: 300_000, staleUntil: 400_000 })
  })

  it.each([0, 0.5, 1])('ends in the shared cache before any process refreshes its copy: %d', (random) => {
    drawn(random)
    expect(freshness({}, 1_000, lifetimes).refreshAt).toBeGreaterThanOrEqual(1_000 + sharedLifeMs(lifetimes.ttlMs))
    expect(sharedLifeMs(lifetimes.ttlMs)).toBe(192_000)
  })

  it('never refreshes a lease early or serves it stale', () => {
    drawn(1)
    expect(freshness({ exclusive: true, expiresAt: 90_000 }, 0, lifetimes)).toEqual({
      refreshAt: Infinity,
      freshUntil: 90_000,
      staleUntil: 90_000,
    })
    expect(freshness({ exclusive: true }, 0, lifetimes)).toEqual({ refreshAt: Infinity, freshUntil: 300_000, staleUntil: 300_000 })
  })

  it('keeps its bounds in order for any numbers', () => {
    const ms = fc.integer({ min: 0, max: 10_000_000 })
    fc.assert(
      fc.property(ms, ms, ms, fc.option(ms, { nil: undefined }), (askedAt, ttlMs, maxStaleMs, life) => {
        const expiresAt = life === undefined ? undefined : askedAt + life
        const { refreshAt, freshUntil, staleUntil } = freshness({ expiresAt }, askedAt, { ttlMs, maxStaleMs })
        expect(refreshAt).toBeLessThanOrEqual(freshUntil)
        expect(freshUntil).toBeLessThanOrEqual(staleUntil)
        expect(freshUntil).toBeLessThanOrEqual(askedAt + ttlMs)
        expect(staleUntil).toBeLessThanOrEqual(Math.min(askedAt + ttlMs + maxStaleMs, expiresAt ?? Infinity))
      }),
    )
  })
})

describe('absence', () => {
  it('holds for 5 s, doubled by each confirmation up to the TTL', () => {
    let known = absence(undefined, 0, lifetimes)
    const lasts = [known.lastsMs]
    for (let count = 0; count < 7; count += 1) lasts.push((known = absence(known, known.until, lifetimes)).lastsMs)
    expect(lasts).toEqual([5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000])
    expect(known.until).toBe(lasts.reduce((sum, each) => sum + each))
  })

  it.each([0, 2_000])('holds no longer than a TTL of %d ms', (ttlMs) => {
    expect(absence(undefined, 1_000, { ttlMs, maxStaleMs: 0 })).toEqual({ lastsMs: ttlMs, until: 1_000 + ttlMs })
  })
})
