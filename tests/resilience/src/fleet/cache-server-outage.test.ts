import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { expect, test } from 'vitest'
import { cacheServerOutage } from './cache-server-outage.ts'
import { serverKinds } from './servers.ts'

describeWithServer(serverKinds, 'a cache server that is killed, hangs, is full, loses everything, is cut off or slow', () => {
  test('fails no read, and costs no more than its deadline', { timeout: 1_200_000 }, async () => {
    const tally = await cacheServerOutage.run('short')
    expect(tally.faults).toEqual([])
    expect(tally.of('reads')).toBeGreaterThan(18_000)
  })
})
