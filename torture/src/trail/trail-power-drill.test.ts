import { expect, test } from 'vitest'
import { straceIsMissing } from '../strace.ts'
import { trailPowerDrill } from './trail-power-drill.ts'

test('a trail is taken for whole, holds what was acknowledged and goes on, whatever a power cut at a sync leaves of it', async () => {
  const tally = await trailPowerDrill.run('short')
  expect(tally.faults).toEqual([])
  if (straceIsMissing() === undefined) expect(tally.of('disk images verified')).toBeGreaterThan(200)
  else expect(tally.notRun).toHaveLength(1)
}, 600_000)
