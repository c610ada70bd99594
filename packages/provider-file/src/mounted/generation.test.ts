import { mkdir, rename, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { context, temporaryFolder } from '../testing/temporary-files.ts'
import { inOneGeneration } from './generation.ts'

it.each<[string, (next: string, folder: string) => Promise<void>]>([
  ['another folder that was renamed', rename],
  ['a link to another folder', symlink],
])('several files are read again if their folder becomes %s', async (_, put) => {
  const parent = temporaryFolder()
  const [folder, next] = [join(parent, 'mount'), join(parent, 'next')]
  await Promise.all([mkdir(folder), mkdir(next)])
  let reads = 0
  const answer = await inOneGeneration(folder, context.signal, async () => {
    reads += 1
    if (reads > 1) return 'new'
    await rename(folder, join(parent, 'before'))
    await put(next, folder)
    return 'mixed'
  })
  expect([answer, reads]).toEqual(['new', 2])
})

it('several files are read once if their folder is missing', async () => {
  const folder = join(temporaryFolder(), 'mount')
  expect(await inOneGeneration(folder, context.signal, async () => 'read')).toBe('read')
})
