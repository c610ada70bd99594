import { copyFile, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { keyFile, readKey } from './folder-key.ts'
import { fileHandle } from '../testing/file-handles.ts'
import { removeTestFolders, testFolder, type TestFolder } from '../testing/folders.ts'
import { verifyAuditTrail } from '../verify/verify-audit-trail.ts'

afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})
afterAll(removeTestFolders)

/**
 * A folder whose key is replaced, and the old file overwritten, at so many reads. Each read takes
 * `readMs` of a fake clock. Returns how often it was read.
 */
async function replacedFolder(replacements: number, readMs = 0): Promise<TestFolder & { reads: () => number }> {
  const made = await testFolder()
  const [path, next] = [join(made.folder, keyFile), join(made.folder, `${keyFile}.new`)]
  const handles = await fileHandle()
  const { read } = handles
  vi.useFakeTimers({ toFake: ['performance'] })
  const reading = vi.spyOn(handles, 'read').mockImplementation(async function (this: unknown, ...args: unknown[]) {
    vi.advanceTimersByTime(readMs)
    if (reading.mock.calls.length <= replacements) {
      await copyFile(path, next)
      await writeFile(path, Buffer.alloc((await readFile(path)).length))
      await rename(next, path)
    }
    return Reflect.apply(read, this, args)
  })
  return { ...made, reads: () => reading.mock.calls.length }
}

describe('a key that is replaced while it is read', () => {
  it('is read again, however often that happens', async () => {
    const { folder, reads } = await replacedFolder(20)
    expect(await readKey(folder)).toMatchObject({ step: 1, live: [] })
    expect(reads()).toBe(21)
  })

  it('is no damage, and is said to be replaced after five seconds', async () => {
    const { folder, key, reads } = await replacedFolder(Infinity, 1_000)
    const isReplaced = { code: 'AUDIT_FAILED', message: expect.stringMatching(/key of the audit trail's folder .* was replaced/) }
    await expect(readKey(folder)).rejects.toMatchObject(isReplaced)
    expect(reads()).toBe(5)
    await expect(verifyAuditTrail(folder, { key })).rejects.toMatchObject(isReplaced)
  })
})

describe('a key that is damaged', () => {
  it('is read once', async () => {
    const { folder, reads } = await replacedFolder(0)
    await writeFile(join(folder, keyFile), '')
    await expect(readKey(folder)).rejects.toMatchObject({ code: 'CONFIGURATION', message: expect.stringContaining('lost its key.json') })
    expect(reads()).toBe(1)
  })
})
