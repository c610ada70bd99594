import { expect, test } from 'vitest'
import { processFreeze } from './process-freeze.ts'

test('a process that is frozen in the midst of its calls asks again, blames no store, and takes nothing old for fresh', async () => {
  const tally = await processFreeze.run('short')
  expect(tally.faults).toEqual([])
  expect(tally.of('freezes')).toBe(2)
}, 120_000)
