import { expect, test } from 'vitest'
import { bitFlips } from './bit-flips.ts'

test('a store with a bit turned around, or cut off, answers right or says that something is wrong', async () => {
  const tally = await bitFlips.run('short')
  expect(tally.faults).toEqual([])
  for (const what of ['flips of the file', 'flips of the log', 'cuts of the file', 'cuts of the log'])
    expect(tally.of(what)).toBeGreaterThan(20)
  expect(tally.of('noticed')).toBeGreaterThan(50)
}, 300_000)
