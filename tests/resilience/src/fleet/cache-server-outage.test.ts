import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { expect, test } from 'vitest'
import { cacheServerOutage } from './cache-server-outage.ts'

describeWithServer(['redis', 'valkey'], 'a cache server that is killed, hangs, is full, loses everything or is cut off', () => {
  test('fails no read, and costs no more than its deadline', { timeout: 600_000 }, async () => {
    const tally = await cacheServerOutage.run('short')
    expect(tally.faults).toEqual([])
    expect(tally.of('reads')).toBeGreaterThan(10_000)
  })
})
