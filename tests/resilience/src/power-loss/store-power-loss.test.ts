import { expect, test } from 'vitest'
import { straceIsMissing } from '../harness/strace.ts'
import { storePowerLoss } from './store-power-loss.ts'

test('a store holds what was acknowledged, whatever a power cut at a sync leaves of it', async () => {
  const tally = await storePowerLoss.run('short')
  expect(tally.faults).toEqual([])
  if (straceIsMissing() === undefined) expect(tally.of('disk images opened')).toBeGreaterThan(200)
  else expect(tally.notRun).toHaveLength(1)
}, 600_000)
