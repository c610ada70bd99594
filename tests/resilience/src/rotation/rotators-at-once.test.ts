import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { expect, test } from 'vitest'
import { rotatorsAtOnce } from './rotators-at-once.ts'

describeWithServer(['postgres', 'openbao', 'moto'], 'two rotators at once', () => {
  test('make one version of each store current, which works, and the other says so', { timeout: 300_000 }, async () => {
    const tally = await rotatorsAtOnce.run('short')
    expect(tally.faults).toEqual([])
    expect(tally.of('rounds')).toBe(3 * 2 * 2)
  })
})
