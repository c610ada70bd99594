import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Invalidations } from './invalidations.ts'

const now = 1_000_000_000

beforeEach(() => void vi.useFakeTimers({ now }))
afterEach(() => vi.useRealTimers())

const made = (): Invalidations => new Invalidations({ recheckMs: 5_000, longestMs: 192_000 })
const changes = (invalidatedAt: number | undefined, leastVersion = 0): { invalidatedAt: number | undefined; leastVersion: number } => ({
  invalidatedAt,
  leastVersion,
})
const held = { askedAt: now, version: 3 }

it('each version of a path has invalidations of its own', () => {
  const invalidations = made()
  invalidations.answered('a', undefined, changes(now))
  const concerned = (path: string, version: number | undefined): boolean => invalidations.concern(path, version, changes(now), held)
  expect([concerned('a', undefined), concerned('a', 3), concerned('b', undefined)]).toEqual([false, true, true])
})

it('an earlier invalidation is never news, however often it comes back', () => {
  const invalidations = made()
  invalidations.answered('a', undefined, changes(now))
  invalidations.answered('a', undefined, changes(now - 5))
  invalidations.held('a', undefined, changes(0))
  expect([-5, 0, 1].map((ms) => invalidations.concern('a', undefined, changes(now + ms), held))).toEqual([false, false, true])
})

it('a version below the least one concerns the current version only', () => {
  const invalidations = made()
  for (const version of [undefined, 3, 'previous'] as const) invalidations.answered('a', version, changes(now))
  vi.advanceTimersByTime(5_000)
  const concerned = [undefined, 3, 'previous' as const].map((version) => invalidations.concern('a', version, changes(now, 4), held))
  expect(concerned).toEqual([true, false, false])
  expect(invalidations.concern('a', undefined, changes(now, 3), held)).toBe(false)
  expect(invalidations.concern('a', undefined, changes(now, 4), { askedAt: now })).toBe(false)
})

it('a later invalidation counts during the pause, and ends it', () => {
  const invalidations = made()
  for (const at of [now, now, now, now + 1]) invalidations.answered('a', undefined, changes(at))
  vi.advanceTimersByTime(4_999)
  const concerned = (at: number): boolean => invalidations.concern('a', undefined, changes(at, 4), held)
  expect([concerned(now + 1), concerned(now + 2)]).toEqual([false, true])
  vi.advanceTimersByTime(1)
  expect(concerned(now + 1)).toBe(true)
})
