import { expect, test } from 'vitest'
import { trailKill } from './trail-kill.ts'

test('300 processes that are killed while they write one audit trail lose no acknowledged record, and every end is recorded', async () => {
  const tally = await trailKill.run('short')
  expect(tally.faults).toEqual([])
  expect(tally.of('kills')).toBe(300)
  expect(tally.of('acknowledged records found')).toBeGreaterThan(300)
  expect(tally.of('segments found cut')).toBeGreaterThan(100)
}, 600_000)
