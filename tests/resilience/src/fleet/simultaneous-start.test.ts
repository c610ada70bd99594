import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { expect, test } from 'vitest'
import { simultaneousStart } from './simultaneous-start.ts'
import { serverKinds } from './servers.ts'

describeWithServer(serverKinds, 'a fleet that starts at once, with the defaults, on a machine that is busy', () => {
  test('asks the store at most 1.2 times for each secret', { timeout: 1_200_000 }, async () => {
    const tally = await simultaneousStart.run('short')
    expect(tally.faults).toEqual([])
    expect(tally.of('processes')).toBe(serverKinds.length * 2 * 12)
    expect(tally.of('reads')).toBe(serverKinds.length * 2 * 12 * 20)
  })
})
