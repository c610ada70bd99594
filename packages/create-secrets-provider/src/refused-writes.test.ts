import { tmpdir } from 'node:os'
import { expect, test, vi } from 'vitest'
import { run } from './run.ts'

const refused = vi.hoisted(() => ({ code: '' }))
vi.mock('node:fs/promises', async (original) => ({
  ...(await original<typeof import('node:fs/promises')>()),
  mkdir: async (path: string) =>
    Promise.reject(Object.assign(new Error(`${refused.code}: refused, mkdir '${path}'`), { code: refused.code })),
}))

test.each([
  ['EACCES', 'run this in a folder that you may write to'],
  ['EPERM', 'run this in a folder that you may write to'],
  ['EROFS', 'run this in a folder that you may write to'],
  ['ENOSPC', 'make room on the disk, remove my-store if it is there, and run this again'],
  ['EDQUOT', 'make room on the disk, remove my-store if it is there, and run this again'],
])('what to do about %s is said, with code 1', async (code, remedy) => {
  refused.code = code
  let error = ''
  const exit = await run(['@acme/my-store'], { stdout: { write: () => {} }, stderr: { write: (text) => (error += text) }, cwd: tmpdir })
  expect([exit, error]).toEqual([1, `nothing could be written: ${code}: ${remedy}\n`])
})
