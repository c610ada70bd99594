import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { drills } from './drills.ts'

const program = fileURLToPath(new URL('main.ts', import.meta.url))
const torture = (...words: string[]): Promise<{ stdout: string; stderr: string }> =>
  promisify(execFile)(process.execPath, ['--conditions=@finchat/source', program, ...words])

test('a word that no drill has in its name is named, even beside one that fits, and nothing is run', async () => {
  await expect(torture('kill', 'nosuchword')).rejects.toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/^no drill has 'nosuchword' in its name\n\npnpm torture \[WORD …\]/),
  })
})

test('whoever asks for help gets every name', async () => {
  const { stdout, stderr } = await torture('--help')
  expect(stderr).toBe('')
  for (const { name } of drills) expect(stdout).toContain(`\n  ${name}\n`)
})
