import { expect, test } from 'vitest'
import { storeFullDisk } from './store-full-disk.ts'

test('a disk that takes no more is told in our own words, and leaves a store that opens and holds what was acknowledged', async () => {
  const tally = await storeFullDisk.run('short')
  expect(tally.faults).toEqual([])
  expect(tally.of('errors: UNAVAILABLE')).toBeGreaterThan(0)
  expect(tally.of('changes acknowledged')).toBeGreaterThan(0)
}, 300_000)
