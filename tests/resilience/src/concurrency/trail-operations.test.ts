import { expect, test } from 'vitest'
import { trailOperations } from './trail-operations.ts'

test('eight processes operate on one trail at once: nothing goes under a hold, no copy breaks, no verification rejects', async () => {
  const tally = await trailOperations.run('short')
  expect(tally.faults).toEqual([])
  for (const operation of ['write', 'copy', 'prune', 'hold', 'erase', 'rotate', 'verify'])
    expect(tally.of(operation) + tally.of(`${operation}, refused`), operation).toBeGreaterThan(0)
}, 300_000)
