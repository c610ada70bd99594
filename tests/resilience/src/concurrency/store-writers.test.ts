import { expect, test } from 'vitest'
import { storeWriters } from './store-writers.ts'

test('eight processes that rotate one secret give every version once, and readers beside them see the newest', async () => {
  const tally = await storeWriters.run('short')
  expect(tally.faults).toEqual([])
  expect(tally.of('rotations')).toBe(400)
  expect(tally.of('versions checked')).toBe(400)
  expect(tally.of('reads by other processes')).toBe(800)
}, 600_000)
