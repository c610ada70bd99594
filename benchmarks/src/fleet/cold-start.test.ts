import { expect, test } from 'vitest'
import { type ColdStartRun, simulateColdStart } from './cold-start.ts'
import { coldStartFiguresOf } from './cold-start-report.ts'
import { noJitter } from './latency.ts'

const start = (processes: number, byBatch: boolean, seed = 1): Promise<ColdStartRun> =>
  simulateColdStart({ processes, secrets: 20, byBatch, seed })

test.each([10, 40])(
  '%i processes that start together ask once for each secret, by batches in fewer calls and as soon',
  async (processes) => {
    for (const seed of [1, 2, 3]) {
      const [batches, singles] = [await start(processes, true, seed), await start(processes, false, seed)]
      for (const { asked, mostAsked, failed, readyAfterMs } of [batches, singles])
        expect([asked, mostAsked, failed, readyAfterMs.length]).toEqual([20, 1, 0, processes])
      expect([batches.calls <= 10, singles.calls]).toEqual([true, 20])
      const [ofBatches, ofSingles] = [batches, singles].map((run) => coldStartFiguresOf([run]).worst)
      expect(ofBatches).toBeLessThan((ofSingles ?? 0) + 20)
    }
  },
)

test('one process has all secrets by one call', async () => {
  const { asked, calls } = await start(1, true)
  expect([asked, calls]).toEqual([20, 1])
})

test('a store that answers after the fill lease is over is asked again by one other process for each secret', async () => {
  const latency = { sharedCache: noJitter(0), store: noJitter(2_700) }
  const { mostAsked, failed } = await simulateColdStart({ processes: 10, secrets: 5, byBatch: true, seed: 1, latency })
  expect([mostAsked, failed]).toEqual([2, 0])
})

test('the same seed gives the same start', async () => {
  const [once, again, other] = [await start(10, true, 7), await start(10, true, 7), await start(10, true, 8)]
  expect(again).toEqual(once)
  expect(other).not.toEqual({ ...once, seed: 8 })
})

test('figures: the median and the worst of all processes, and the most questions and calls of one start', () => {
  const run = { processes: 2, secrets: 2, byBatch: true, seed: 1, asked: 2, calls: 1, mostAsked: 1, failed: 0, readyAfterMs: [10, 41] }
  const other = { ...run, seed: 2, asked: 3, calls: 2, readyAfterMs: [20.4, 30] }
  expect(coldStartFiguresOf([run, other])).toEqual({
    processes: 2,
    secrets: 2,
    byBatch: true,
    starts: 2,
    asked: 3,
    calls: 2,
    median: 20,
    worst: 41,
  })
  expect(() => coldStartFiguresOf([run, { ...other, readyAfterMs: [20] }])).toThrow('could not read')
})
