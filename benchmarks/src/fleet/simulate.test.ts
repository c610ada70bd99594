import { beforeEach, expect, test, vi } from 'vitest'
import { alteredDocuments } from './documents.ts'
import { figuresOf, type FleetFigures } from './figures.ts'
import { phases } from './timeline.ts'
import { inVirtualTime } from './virtual-time.ts'
import { simulateFleet, type FleetOptions, type FleetRun } from './simulate.ts'

// The processes warn of their outage.
beforeEach(() => void vi.spyOn(process, 'emitWarning').mockImplementation(() => {}))

const small: FleetOptions = { sample: 20, secrets: 5, hasSharedCache: false, preloads: false, seed: 7 }
const run = (options: Partial<FleetOptions> = {}): Promise<FleetRun> => simulateFleet({ ...small, ...options })

function figures(processes: number, fleet: FleetRun): FleetFigures {
  return figuresOf(processes, fleet, fleet)
}

function meanIn(fleet: FleetFigures, name: string): number {
  return fleet.phases.find(({ phase }) => phase === name)?.mean ?? NaN
}

const total = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0)

test(
  'processes by themselves ask once for each secret at the start, and then once in 0.64 to 0.8 of the TTL',
  { timeout: 120_000 },
  async () => {
    const alone = await run()
    const { forOne } = alone.calls
    expect(total(forOne.slice(0, 60))).toBe(20 * 5)
    expect(total(forOne.slice(60, 192))).toBe(0)
    expect(total(forOne.slice(192, 10 + 240 + 10 + 1))).toBe(20 * 5)
    expect(total(alone.sharedCacheReads.forOne)).toBe(0)
  },
)

test('the shared cache takes one call for each secret instead, and its loss brings the others back', { timeout: 120_000 }, async () => {
  const sharing = await run({ hasSharedCache: true })
  expect(total(sharing.calls.forOne.slice(0, 1200))).toBe(0)
  expect(total(sharing.calls.forAll.slice(0, 60))).toBe(5)
  expect(total(sharing.sharedCacheReads.forOne.slice(0, 60))).toBeGreaterThanOrEqual(20 * 5)
  const alone = await run()
  expect(meanIn(figures(20, sharing), 'sharedCacheDown')).toBeGreaterThan(0.8 * meanIn(figures(20, alone), 'steady'))
  expect([sharing.failedReads, alone.failedReads]).toEqual([0, 0])
})

test('while the store is down, a process that holds its secrets probes it once in 8 to 20 s', { timeout: 120_000 }, async () => {
  const alone = await run()
  const calls = total(alone.calls.forOne.slice(1210, 1500)) / small.sample
  expect(calls).toBeGreaterThan(290 / 20)
  expect(calls).toBeLessThan(290 / 8)
})

test('when the store is back, processes by themselves come back to it over more than half a minute', { timeout: 120_000 }, async () => {
  const alone = await run()
  const { forOne } = alone.calls
  expect(total(forOne.slice(1500, 1600)), 'all that got stale').toBeGreaterThanOrEqual(90)
  expect(total(forOne.slice(1500, 1520)) / total(forOne.slice(1500, 1600))).toBeLessThan(0.6)
})

test('a sample stands for a fleet: a third of the managers, each counted three times, ask for as much', { timeout: 120_000 }, async () => {
  const [whole, sample] = [figures(60, await run({ sample: 60 })), figures(60, await run({ sample: 20 }))]
  for (const { name } of phases) expect(meanIn(sample, name) / meanIn(whole, name)).toBeCloseTo(1, 0.5)
})

test('batches are of twenty, and one process makes them for all where there is a shared cache', async () => {
  const [alone, sharing] = [await run({ secrets: 50, preloads: true }), await run({ secrets: 50, preloads: true, hasSharedCache: true })]
  expect([total(alone.batches.forOne), total(alone.batches.forAll)]).toEqual([20 * 3, 0])
  expect([total(sharing.batches.forOne), total(sharing.batches.forAll)]).toEqual([0, 3])
})

test('the same seed gives the same calls', async () => {
  const [once, again, other] = [await run(), await run(), await run({ seed: 8 })]
  expect(again).toEqual(once)
  expect(other.calls).not.toEqual(once.calls)
})

test('what is due at once happens before time passes', async () => {
  const happened: number[] = []
  await inVirtualTime(1, async (time) => {
    time.after(5, () => time.after(0, () => happened.push(time.now())))
    await time.runUntil(10)
  })
  expect(happened).toEqual([5])
})

test('leaves the clock and chance as they were, even when something fails', async () => {
  const before = [Date.now, Math.random, setTimeout, clearTimeout]
  await expect(inVirtualTime(1, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
  expect([Date.now, Math.random, setTimeout, clearTimeout]).toEqual(before)
})

test('the page, its chart and its figures are what the command wrote', () => {
  expect(alteredDocuments()).toEqual([])
})
