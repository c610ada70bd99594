import { expect, test } from 'vitest'
import { stateMixtures } from './state-mixtures.ts'

test('a store whose rows were dropped, replayed or swapped, within it or with others, answers right or says that something is wrong', async () => {
  const tally = await stateMixtures.run('short')
  expect(tally.faults).toEqual([])
  expect(tally.of('noticed')).toBeGreaterThan(50)
}, 300_000)
