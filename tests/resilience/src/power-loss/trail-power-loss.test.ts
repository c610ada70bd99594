import { expect, test } from 'vitest'
import { straceIsMissing } from '../harness/strace.ts'
import { trailPowerLoss } from './trail-power-loss.ts'

test('a trail is taken for whole, holds what was acknowledged and goes on, whatever a power cut at a sync leaves of it', async () => {
  const tally = await trailPowerLoss.run('short')
  expect(tally.faults).toEqual([])
  if (straceIsMissing() === undefined) expect(tally.of('disk images verified')).toBeGreaterThan(200)
  else expect(tally.notRun).toHaveLength(1)
}, 600_000)
