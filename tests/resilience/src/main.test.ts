import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { faultInjections } from './fault-injections.ts'

const program = fileURLToPath(new URL('main.ts', import.meta.url))
const resilience = (...words: string[]): Promise<{ stdout: string; stderr: string }> =>
  promisify(execFile)(process.execPath, ['--conditions=@finchat/source', program, ...words])

test('a word that no test has in its name is named, even beside one that fits, and nothing is run', async () => {
  await expect(resilience('kill', 'nosuchword')).rejects.toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/^no test has 'nosuchword' in its name\n\npnpm test:resilience \[WORD …\]/),
  })
})

test('`--help` prints every name', async () => {
  const { stdout, stderr } = await resilience('--help')
  expect(stderr).toBe('')
  for (const { name } of faultInjections) expect(stdout).toContain(`\n  ${name}\n`)
})
