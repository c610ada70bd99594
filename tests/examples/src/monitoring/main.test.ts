import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { exampleFolder } from './files.ts'

test('the example reads on through an outage, and its metrics show it', { timeout: 120_000 }, async () => {
  const program = join(exampleFolder, 'src/main.ts')
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--conditions=@finchat/source', program])
  const shown = (name: string): readonly number[] =>
    [...stdout.matchAll(new RegExp(`finchat_secrets_${name} +(\\d+)$`, 'gm'))].map(([, n]) => Number(n))
  expect(shown('provider_degraded')).toEqual([0, 1, 1])
  expect(shown('provider_circuit_open')).toEqual([0, 1, 0])
  const stale = shown('cache_stale_reads_total')
  expect([stale.length, stale[0], Number(stale[1]) > 20]).toEqual([3, 0, true])
  expect(stdout).toMatch(/\n\d+ reads, 0 failed\n$/)
  expect(stderr).toBe('')
})
