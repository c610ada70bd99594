import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it, vi } from 'vitest'

// Each starts processes, which take their time where others run too.
vi.setConfig({ testTimeout: 120_000 })

/** What the process says of a manager's behaviour. */
async function linesOf(mode: 'never' | 'before' | 'after'): Promise<readonly string[]> {
  const script = join(import.meta.dirname, 'testing/polluted-process.ts')
  const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=@finchat/source', script, mode])
  return JSON.parse(stdout)
}

it('a prototype of all objects that was polluted before the package was loaded changes nothing', async () => {
  const [clean, polluted] = await Promise.all([linesOf('never'), linesOf('before')])
  expect(clean).toContain('read: v-token')
  expect(polluted).toEqual(clean)
})

it('nor does one that is polluted later, by a member of any name that options, answers and errors have', async () => {
  expect(await linesOf('after')).toEqual([])
})
