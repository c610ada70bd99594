import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { expect, test } from 'vitest'
import { rotatorStop } from './rotator-stop.ts'

describeWithServer('postgres', 'a rotator that is stopped while two others pass', () => {
  test('brings no old password back when it goes on, and is killed after its apply', { timeout: 300_000 }, async () => {
    const tally = await rotatorStop.run('short')
    expect(tally.faults).toEqual([])
    expect(tally.of('stops')).toBe(2 * 3)
    expect(tally.of('old passwords that were withdrawn meanwhile')).toBeGreaterThanOrEqual(2 * 3)
    expect(tally.of('killed after a late apply')).toBeGreaterThan(0)
  })
})
