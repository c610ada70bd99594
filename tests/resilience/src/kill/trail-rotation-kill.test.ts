import { expect, test } from 'vitest'
import { trailRotationKill } from './trail-rotation-kill.ts'

test('a process that is killed while it begins the next folder of a trail loses no record, erases no name silently, and the trail goes on', async () => {
  const tally = await trailRotationKill.run('short')
  expect(tally.faults).toEqual([])
  expect(tally.of('kills')).toBeGreaterThan(15)
  expect(tally.of('found with one folder')).toBeGreaterThan(3)
  expect(tally.of('found with two folders')).toBeGreaterThan(3)
  expect(tally.of('found with the name known')).toBeGreaterThan(3)
  expect(tally.of('found with the name erased')).toBeGreaterThan(3)
}, 600_000)
