import { expect, test } from 'vitest'
import { storeFullDisk } from './store-full-disk.ts'

test('a full disk gives an error of our own, and a store that opens and holds every acknowledged value', async () => {
  const tally = await storeFullDisk.run('short')
  expect(tally.faults).toEqual([])
  expect(tally.of('errors: UNAVAILABLE')).toBeGreaterThan(0)
  expect(tally.of('changes acknowledged')).toBeGreaterThan(0)
}, 300_000)
