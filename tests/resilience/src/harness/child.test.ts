import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, onTestFinished, test, vi } from 'vitest'

test('compiled code is kept in this repository, also where a cache elsewhere is switched off', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'child-test-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const program = join(folder, 'program.mjs')
  writeFileSync(program, "import { getCompileCacheDir } from 'node:module'; console.log(getCompileCacheDir())")
  vi.stubEnv('NODE_DISABLE_COMPILE_CACHE', '1')
  vi.stubEnv('NODE_COMPILE_CACHE', join(folder, 'planted'))
  onTestFinished(() => void vi.unstubAllEnvs())
  const { start } = await import('./child.ts')
  const { stdout } = start(program, {})
  const used = stdout && (await text(stdout))
  expect(used?.startsWith(join(import.meta.dirname, '../../../../.cache/compiled/'))).toBe(true)
})
