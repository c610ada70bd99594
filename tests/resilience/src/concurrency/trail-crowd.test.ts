import { expect, test } from 'vitest'
import { trailCrowd } from './trail-crowd.ts'

test('a crowd that starts at once and reads through midnight loses no read, and each process has a segment for each day', async () => {
  const tally = await trailCrowd.run('short')
  expect(tally.faults).toEqual([])
  expect([tally.of('processes'), tally.of('segments')]).toEqual([24, 48])
  expect(tally.of('records verified')).toBe(tally.of('reads'))
}, 300_000)
