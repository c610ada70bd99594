import { expect, test } from 'vitest'
import { storeKill } from './store-kill.ts'

test('processes that are killed 200 times while they change one store lose nothing and leave nothing behind', async () => {
  const tally = await storeKill.run('short')
  expect(tally.faults).toEqual([])
  expect(tally.of('kills')).toBeGreaterThanOrEqual(200)
  expect(tally.of('acknowledged')).toBeGreaterThan(200)
}, 600_000)
