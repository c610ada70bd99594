import { expect, test } from 'vitest'
import { trailWriters } from './trail-writers.ts'

test('eight processes that write 10,000 records each to one trail give 80,000 valid records, also while it is verified', async () => {
  const tally = await trailWriters.run('short')
  expect(tally.faults).toEqual([])
  expect(tally.of('records verified')).toBe(80_000)
  expect(tally.of('acknowledged records found')).toBe(80_000)
  expect(tally.of('verifications while they wrote')).toBeGreaterThan(1)
  expect(tally.of('segments found ended')).toBe(8)
}, 600_000)
