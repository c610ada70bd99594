import { beforeEach, describe, expect, test, vi } from 'vitest'
import { returnFiguresOf } from './return-figures.ts'
import { type ReturnOptions, type ReturnRun, simulateReturn } from './returns.ts'
import { outages } from './timeline.ts'

// The processes warn of their outage.
beforeEach(() => void vi.spyOn(process, 'emitWarning').mockImplementation(() => {}))

const small: ReturnOptions = { held: 'nothing', fault: 'refuses', hasSharedCache: false, secrets: 1, sample: 40, seed: 7 }
const run = (options: Partial<ReturnOptions> = {}): Promise<ReturnRun> => simulateReturn({ ...small, ...options })

const total = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0)
const afterReturn = ({ calls, held }: ReturnRun): number[] =>
  [calls.forOne, calls.forAll].flatMap((counts) => counts.slice(outages[held].backAt))

describe.each(['refuses', 'hangs'] as const)('when the store %s and comes back', { timeout: 120_000 }, (fault) => {
  const settings = [1, 5].flatMap((secrets) => [false, true].map((hasSharedCache) => ({ secrets, hasSharedCache })))

  test.each(settings)(
    'processes that hold nothing are answered in seconds: $secrets secrets, shared cache: $hasSharedCache',
    async (setting) => {
      const cold = await run({ ...setting, fault })
      const { median, worst } = returnFiguresOf(cold).seconds
      expect([cold.answeredAfterMs.length, cold.unanswered]).toEqual([small.sample, 0])
      expect([median <= 2, worst <= 10], `${median} s, ${worst} s`).toEqual([true, true])
      expect([cold.failedReads > 0, cold.failedWithRetryAt]).toEqual([true, cold.failedReads])
    },
  )

  test.each(settings)(
    'no read of what is held fails, and each secret is fresh again: $secrets secrets, shared cache: $hasSharedCache',
    async (setting) => {
      const stale = await run({ ...setting, fault, held: 'stale', sample: 20 })
      expect([stale.failedReads, stale.unanswered]).toEqual([0, 0])
      expect(stale.answeredAfterMs).toHaveLength(20 * setting.secrets)
    },
  )

  test('processes that hold nothing ask no more often if they share a cache', async () => {
    const [own, shared] = [await run({ fault }), await run({ fault, hasSharedCache: true })].map(
      (each) => returnFiguresOf(each).loads[0]?.outage,
    )
    expect(shared?.mean).toBeLessThan(own?.mean ?? 0)
    expect(shared?.peak).toBeLessThanOrEqual(own?.peak ?? 0)
  })

  test('processes that hold a stale value come back over a minute', async () => {
    const stale = await run({ fault, held: 'stale', sample: 100 })
    const { early, late, worst } = returnFiguresOf(stale).seconds
    expect([late - early > 20, worst < 65], `${early} s to ${late} s, ${worst} s`).toEqual([true, true])
    expect(Math.max(...afterReturn(stale)), 'most in one second').toBeLessThan(25)
  })

  test('processes that share a cache ask once for all, but for those whose calls were under way', async () => {
    const stale = await run({ fault, held: 'stale', hasSharedCache: true, seed: 8 })
    expect(total(afterReturn(stale))).toBeLessThan(10)
    expect(total(stale.calls.forAll.slice(outages.stale.backAt))).toBeGreaterThan(0)
  })
})

test('a process that holds nothing stops with its first answer, and asks the store for it once', async () => {
  expect(total(afterReturn(await run()))).toBe(small.sample)
})

test('the same seed gives the same return', async () => {
  const [once, again, other] = [await run(), await run(), await run({ seed: 8 })]
  expect(again).toEqual(once)
  expect(other.answeredAfterMs).not.toEqual(once.answeredAfterMs)
})

test('figures: nine tenths of the times, the worst, and the load of fleets of both sizes', () => {
  const { from, backAt } = outages.nothing
  const forOne = Array.from({ length: backAt + 2 }, (_, second) => (second === from ? 10 : second === backAt ? 4 : 0))
  const answeredAfterMs = Array.from({ length: 100 }, (_, n) => (n + 1) * 100)
  const calls = { forOne, forAll: [], add: () => {} }
  const { seconds, loads, unanswered } = returnFiguresOf({
    ...small,
    sample: 100,
    calls,
    answeredAfterMs,
    unanswered: 2,
    failedReads: 0,
    failedWithRetryAt: 0,
  })
  expect([seconds, unanswered]).toEqual([{ early: 0.5, median: 5, late: 9.5, worst: 10 }, 2])
  expect(loads).toEqual([
    { processes: 10_000, outage: { mean: 16.67, peak: 1_000 }, returnPeak: 400 },
    { processes: 100_000, outage: { mean: 166.67, peak: 10_000 }, returnPeak: 4_000 },
  ])
})
