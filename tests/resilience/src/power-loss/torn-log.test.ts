import { expect, test } from 'vitest'
import { tornLog } from './torn-log.ts'

test('a log that a power cut tears behind an acknowledged change holds that change', async () => {
  const tally = await tornLog.run('short')
  expect(tally.faults).toEqual([])
  expect(tally.of('disk images opened')).toBeGreaterThan(tally.of('changes'))
}, 600_000)
