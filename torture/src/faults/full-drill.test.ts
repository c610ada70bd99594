import { expect, test } from 'vitest'
import { fullDrill } from './full-drill.ts'

test('a disk that takes no more is told in our own words, and leaves a store that opens and holds what was acknowledged', async () => {
  const tally = await fullDrill.run('short')
  expect(tally.faults).toEqual([])
  expect(tally.of('errors: UNAVAILABLE')).toBeGreaterThan(0)
  expect(tally.of('changes acknowledged')).toBeGreaterThan(0)
}, 300_000)
