import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { expect, test } from 'vitest'
import { fleetRotation } from './fleet-rotation.ts'
import { serverKinds } from './servers.ts'

describeWithServer(serverKinds, 'a rotation in a fleet', () => {
  test('is seen by every process within its bound, though the TTL is minutes', { timeout: 600_000 }, async () => {
    const tally = await fleetRotation.run('short')
    expect(tally.faults).toEqual([])
    expect(tally.of('processes that saw a rotation')).toBe(serverKinds.length * 2 * 4 * 5)
  })
})
