import { type FileHandle, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, expect, it, vi } from 'vitest'
import { syncFile } from './fsync.ts'
import { failure } from '../testing/file-handles.ts'
import { removeTestFolders, testFolder } from '../testing/folders.ts'

const refused = vi.hoisted(() => ({ code: '' }))

/** As for a user who may read the file and not write it; the user that runs the tests may do both. */
vi.mock('node:fs/promises', async (original) => {
  const fs = await original<typeof import('node:fs/promises')>()
  const open = async (path: string, flags?: string, mode?: number): Promise<FileHandle> => {
    if (flags === 'r+' && refused.code !== '') throw failure(refused.code)
    return fs.open(path, flags, mode)
  }
  return { ...fs, open }
})
afterAll(removeTestFolders)

it('a file that may be read and not written is synced too, and what fails otherwise is told', async () => {
  const { folder } = await testFolder()
  const path = join(folder, 'segment-00000001.jsonl')
  await writeFile(path, 'text')
  for (refused.code of ['EACCES', 'EPERM']) await syncFile(path)
  refused.code = 'EIO'
  await expect(syncFile(path)).rejects.toMatchObject({ code: 'EIO' })
})
