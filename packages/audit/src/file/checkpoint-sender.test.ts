import { open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { AuditSink } from '@finchat/secrets-core'
import { pause } from '@finchat/secrets-core/provider'
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { checkpointFolder } from '../checkpoints/checkpoint-folder.ts'
import { CheckpointSender } from './checkpoint-sender.ts'
import { jsonLinesFile } from './file-sink.ts'
import { fileHandle } from '../testing/file-handles.ts'
import { aRecord } from '../testing/sample-records.ts'
import { context, removeTestFolders, testFolder } from '../testing/folders.ts'

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

  it('tells that it was removed while it was written, and begins anew', async () => {
    const { checkpoints } = await testFolder()
    const to = checkpointFolder(checkpoints)
    await to.write(aRecord({ checkpoint: '{"first":1}' }), context)
    await rm(checkpoints, { recursive: true })
    await expect(to.write(aRecord({ checkpoint: '{"lost":1}' }), context)).rejects.toMatchObject({
      code: 'AUDIT_FAILED',
      problem: `the checkpoints of this process were removed: ${JSON.stringify(checkpoints)}`,
    })
    await to.write(aRecord({ checkpoint: '{"next":1}' }), context)
    await to.close?.(context)
    const files = await readdir(checkpoints)
    expect(await Promise.all(files.map((file) => readFile(join(checkpoints, file), 'utf8')))).toEqual(['{"next":1}\n'])
  })

  it('goes on in a file that was moved: nothing of it is lost', async () => {
    const { checkpoints } = await testFolder()
    const to = checkpointFolder(checkpoints)
    await to.write(aRecord({ checkpoint: '{}' }), context)
    await rename(checkpoints, `${checkpoints}-moved`)
    await to.write(aRecord({ checkpoint: '{}' }), context)
    await to.close?.(context)
    const [file = ''] = await readdir(`${checkpoints}-moved`)
    expect(await readFile(join(`${checkpoints}-moved`, file), 'utf8')).toBe('{}\n{}\n')
  })
})

describe('a place that was away', () => {
  it('gets the checkpoint of the last record after its return, though no other is written', async () => {
    const { folder } = await testFolder()
    const sent: unknown[] = []
    let isAway = false
    const write: AuditSink['write'] = async ({ checkpoint }) => (isAway ? Promise.reject(new Error('down')) : void sent.push(checkpoint))
    const to: AuditSink = { specificationVersion: 'v1', name: 'worm', write: vi.fn<AuditSink['write']>(write) }
    const file = jsonLinesFile({ folder, checkpoints: { to, everyMs: 10 } })
    vi.spyOn(process, 'emitWarning').mockReturnValue()
    await file.write(aRecord(), context)
    await expect.poll(() => sent.length, { timeout: 10_000 }).toBeGreaterThan(1)
    isAway = true
    await file.write(aRecord(), context)
    const tries = vi.mocked(to.write).mock.calls.length
    await expect.poll(() => vi.mocked(to.write).mock.calls.length, { timeout: 10_000 }).toBeGreaterThan(tries + 2)
    isAway = false
    await expect.poll(() => sent.at(-1), { timeout: 10_000 }).toContain('"records":2')
    const { length } = sent
    await pause(100)
    expect(sent.length, 'nothing is sent without a change').toBe(length)
    await file.close?.(context)
  })
})

describe('closing', () => {
  beforeEach(() => void vi.useFakeTimers())

  it('does not wait longer than its patience for a place that hangs when it is closed', async () => {
    const to: AuditSink = { specificationVersion: 'v1', name: 'worm', write: async () => {}, close: () => new Promise(() => {}) }
    const closed = new CheckpointSender({ to: () => to, everyMs: 1_000, sign: undefined }).close()
    await vi.advanceTimersByTimeAsync(2_000)
    await closed
    expect(vi.getTimerCount()).toBe(0)
  })
})
