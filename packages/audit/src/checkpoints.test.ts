import { open, readdir } from 'node:fs/promises'
import type { AuditSink } from '@finchat/secrets-core'
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { checkpointFolder } from './checkpoint-folder.ts'
import { Checkpoints } from './checkpoints.ts'
import { fileHandle } from './testing/file-handles.ts'
import { aRecord } from './testing/sample-records.ts'
import { context, removeTestFolders, testFolder } from './testing/folders.ts'

afterAll(removeTestFolders)

const openFiles = async (): Promise<number> => (await readdir('/proc/self/fd')).length

describe.runIf(process.platform === 'linux')('a folder for checkpoints on a full disk', () => {
  it('is tried again each time, with no more files open than before', async () => {
    const { checkpoints } = await testFolder()
    const to = checkpointFolder(checkpoints)
    const handle = await open('/dev/null')
    const datasync = vi.spyOn(Object.getPrototypeOf(handle), 'datasync').mockRejectedValue(Object.assign(new Error(), { code: 'ENOSPC' }))
    await handle.close()
    const before = await openFiles()
    for (let times = 0; times < 20; times++) {
      await expect(to.write(aRecord({ checkpoint: '{}' }), context)).rejects.toMatchObject({ message: expect.stringContaining('is full') })
    }
    expect(await openFiles()).toBeLessThan(before + 10)
    datasync.mockRestore()
  })
})

describe('a folder for checkpoints', () => {
  it('has the name of a new file on disk before the first checkpoint is taken for acknowledged', async () => {
    const { checkpoints } = await testFolder()
    const to = checkpointFolder(checkpoints)
    const sync = vi.spyOn(await fileHandle(), 'sync')
    for (let times = 0; times < 3; times++) await to.write(aRecord({ checkpoint: '{}' }), context)
    expect(sync).toHaveBeenCalledTimes(1) // of the folder
    sync.mockRestore()
    await to.close?.(context)
  })
})

describe('closing', () => {
  beforeEach(() => void vi.useFakeTimers())

  it('does not wait longer than its patience for a place that hangs when it is closed', async () => {
    const to: AuditSink = { specificationVersion: 'v1', name: 'worm', write: async () => {}, close: () => new Promise(() => {}) }
    const closed = new Checkpoints({ to, everyMs: 1_000 }).close()
    await vi.advanceTimersByTimeAsync(2_000)
    await closed
    expect(vi.getTimerCount()).toBe(0)
  })
})
