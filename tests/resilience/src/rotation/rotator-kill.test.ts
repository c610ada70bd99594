import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { expect, test } from 'vitest'
import { rotatorKill } from './rotator-kill.ts'

describeWithServer('postgres', 'a rotator that is killed', () => {
  test('leaves a password that works, which the next run makes current', { timeout: 300_000 }, async () => {
    const tally = await rotatorKill.run('short')
    expect(tally.faults).toEqual([])
    expect(tally.of('kills')).toBe(2 * 6)
    expect(tally.of('times when current was refused, and pending worked')).toBeGreaterThan(0)
  })
})
