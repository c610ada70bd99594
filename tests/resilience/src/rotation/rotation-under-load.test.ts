import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { expect, test } from 'vitest'
import { rotationUnderLoad } from './rotation-under-load.ts'

describeWithServer(['postgres', 'openbao', 'moto'], 'a rotation under load', () => {
  test('fails no query, with one role and with two users, in every store, nor without pending', { timeout: 600_000 }, async () => {
    const tally = await rotationUnderLoad.run('short')
    expect(tally.faults).toEqual([])
    expect(tally.of('rotations')).toBe(3 * 2 * 5 + 1)
    expect(tally.of('queries')).toBeGreaterThan(1_000)
  })
})
