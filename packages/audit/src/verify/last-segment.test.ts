import { appendFile, cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { advanceEpoch } from '../file/next-epoch.ts'
import { jsonLinesFile } from '../file/file-sink.ts'
import { failure, fileHandle } from '../testing/file-handles.ts'
import { context, removeTestFolders, sentTo, testFolder, type TestFolder, written } from '../testing/folders.ts'
import { verifyAuditTrail } from './verify-audit-trail.ts'

beforeEach(() => void vi.spyOn(process, 'emitWarning').mockReturnValue()) // of each outage that a test makes
afterEach(() => void vi.restoreAllMocks())
afterAll(removeTestFolders)

const segment = 'segment-00000001.jsonl'

/** A folder as a process that was killed leaves it: with checkpoints elsewhere, and a segment that nobody ended. */
async function killed(): Promise<TestFolder> {
  const { folder: live, key, checkpoints } = await testFolder()
  const sink = jsonLinesFile({ folder: live, checkpoints: { to: checkpoints, everyMs: 1 } })
  await written(sink, 20)
  await expect.poll(() => sentTo(checkpoints)).not.toEqual([])
  const [folder, sent] = [join(live, '..', 'killed'), join(live, '..', 'sent')]
  await cp(live, folder, { recursive: true })
  await cp(checkpoints, sent, { recursive: true })
  await sink.close?.(context)
  return { folder, key, checkpoints: sent }
}

describe('the segment that was opened last', () => {
  it('is missed where its process was killed and somebody removed it, by the key of the folder', async () => {
    const { folder, key } = await killed()
    expect(await verifyAuditTrail(folder, { key })).toMatchObject({ ok: true, records: 20 })
    await rm(join(folder, segment))
    expect((await verifyAuditTrail(folder, { key })).problem).toMatchObject({ what: 'missing', file: segment })
  })

  it('is missed in a copy without the key, by a checkpoint, and is unproven without one', async () => {
    const { folder, key, checkpoints } = await killed()
    await rm(join(folder, 'key.json'))
    await rm(join(folder, segment))
    expect((await verifyAuditTrail(folder, { key, checkpoint: checkpoints })).problem).toMatchObject({ what: 'missing', file: segment })
    expect(await verifyAuditTrail(folder, { key })).toMatchObject({ ok: true, unproven: [{ file: segment, lastLine: 0 }] })
  })

  it('may not be there yet while its process opens it', async () => {
    const { folder, key } = await testFolder()
    const open = async (): Promise<void> => expect(await verifyAuditTrail(folder, { key })).toMatchObject({ ok: true, unproven: [] })
    await advanceEpoch(folder, { ended: [], open })
  })

  it('may never have been there, if the disk failed while it was opened and again when that was to be recorded', async () => {
    const { folder, key } = await testFolder()
    const sink = jsonLinesFile({ folder })
    vi.spyOn(await fileHandle(), 'datasync')
      .mockRejectedValueOnce(failure('EIO'))
      .mockRejectedValueOnce(failure('EIO'))
    for (const name of ['one', 'two']) await expect(written(sink, 1), name).rejects.toMatchObject({ code: 'AUDIT_FAILED' })
    const unproven = [{ file: segment, lastLine: 0 }] // that it never was is the word of whoever came next
    expect(await verifyAuditTrail(folder, { key })).toMatchObject({ ok: true, records: 0, unproven })
    await written(sink, 1)
    await sink.close?.(context)
    expect(await verifyAuditTrail(folder, { key })).toMatchObject({ ok: true, records: 1, unproven })
  })
})

describe('the end of a segment whose process was killed', () => {
  it('takes no more lines once another process found it', async () => {
    const { folder, key } = await killed()
    await advanceEpoch(folder, { ended: [] })
    expect(await verifyAuditTrail(folder, { key })).toMatchObject({ ok: true, unproven: [{ file: segment, torn: 0 }] })
    await appendFile(join(folder, segment), '{"actor":"nobody","name":"forged"}\n')
    expect((await verifyAuditTrail(folder, { key })).problem).toMatchObject({ what: 'inserted', file: segment })
  })
})
