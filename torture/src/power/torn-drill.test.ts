import { expect, test } from 'vitest'
import { tornDrill } from './torn-drill.ts'

test('a log that a power cut tears behind an acknowledged change holds that change', async () => {
  const tally = await tornDrill.run('short')
  expect(tally.faults).toEqual([])
  expect(tally.of('disk images opened')).toBeGreaterThan(tally.of('changes'))
}, 600_000)
