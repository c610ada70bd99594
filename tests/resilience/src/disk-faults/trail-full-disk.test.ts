import { expect, test } from 'vitest'
import { trailFullDisk } from './trail-full-disk.ts'

test('a disk that takes no record lets no value out, says why, and what was let out before and after is on record', async () => {
  const tally = await trailFullDisk.run('short')
  expect(tally.faults).toEqual([])
  const refusedAndGiven = (stage: string): boolean => tally.of(`${stage}: AUDIT_FAILED`) > 0 && tally.of(`${stage}: value given`) > 0
  expect(refusedAndGiven('limited')).toBe(true)
  if (tally.notRun.length > 0) return
  expect(refusedAndGiven('filling')).toBe(true)
  expect([tally.of('room: value given'), tally.of('read-only: AUDIT_FAILED'), tally.of('writable: value given')]).toEqual([10, 5, 10])
}, 300_000)
