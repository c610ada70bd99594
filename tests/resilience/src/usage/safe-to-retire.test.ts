import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { expect, test } from 'vitest'
import { safeToRetire } from './safe-to-retire.ts'

describeWithServer('redis', 'a fleet with two processes that are pinned, one that is stopped and one that is killed', () => {
  test('is never said to be done with a version that one of them may use', { timeout: 600_000 }, async () => {
    const tally = await safeToRetire.run('short')
    expect(tally.faults).toEqual([])
    expect([tally.of('processes'), tally.of('stages'), tally.of('withdrawn')]).toEqual([12, 6, 1])
  })
})
