import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { initAuditFolder } from '../file/init-audit-folder.ts'
import { checkpointFolder } from '../checkpoints/checkpoint-folder.ts'
import { jsonLinesFile } from '../file/file-sink.ts'
import { readAuditRecords } from '../query/records-reader.ts'
import { failure, fileHandle } from '../testing/file-handles.ts'
import { context, removeTestFolders, testFolder } from '../testing/folders.ts'
import { gathered } from '../testing/gathered.ts'
import { aRecord } from '../testing/sample-records.ts'
import { verifyAuditTrail } from '../verify/verify-audit-trail.ts'

let parent: string
/** A file where somebody expects a folder. */
let file: string

beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'audit-'))
  file = join(parent, 'file')
  await writeFile(file, '')
})
afterEach(() => void vi.restoreAllMocks())
afterAll(async () => {
  await rm(parent, { recursive: true })
  await removeTestFolders()
})

const naming = (path: string): unknown =>
  expect.objectContaining({ code: 'AUDIT_FAILED', message: expect.stringContaining(JSON.stringify(path)) })
/** As a program writes it whose working directory may be another than somebody thinks. */
const asWritten = (path: string): string => relative(process.cwd(), path)

it('a folder that cannot be made ready is named, from the root on', async () => {
  await expect(initAuditFolder(asWritten(file))).rejects.toThrow(naming(file))
})

it('so is one that cannot be verified', async () => {
  const missing = join(parent, 'missing')
  await expect(verifyAuditTrail(asWritten(missing), { key: `audit-key:${'A'.repeat(43)}` })).rejects.toThrow(naming(missing))
})

it('so is one whose records cannot be read', async () => {
  const missing = join(parent, 'missing')
  await expect(gathered(readAuditRecords(asWritten(missing)))).rejects.toThrow(naming(missing))
})

it('so is one that cannot be written, or whose end cannot be recorded', async () => {
  const { folder } = await testFolder()
  const sink = jsonLinesFile({ folder: asWritten(folder), durable: false })
  const handles = await fileHandle()
  const { datasync } = handles
  vi.spyOn(handles, 'write').mockRejectedValueOnce(failure('ENOSPC'))
  await expect(sink.write(aRecord(), context)).rejects.toThrow(naming(folder))
  await sink.write(aRecord(), context)
  vi.spyOn(handles, 'datasync').mockImplementationOnce(datasync).mockRejectedValueOnce(failure('EIO')) // of the index
  await expect(sink.close?.(context)).rejects.toThrow(naming(folder))
})

it('so is the place of checkpoints, not the trail, where they are written and where they are read', async () => {
  const written = checkpointFolder(asWritten(file)).write(aRecord({ checkpoint: '{}' }), context)
  await expect(written).rejects.toThrow(naming(file))
  await expect(written).rejects.toThrow(/^a file that the checkpoints would create is already there/)
  const { folder, key } = await testFolder()
  const inside = join(file, 'checkpoints')
  const verified = verifyAuditTrail(folder, { key, checkpoint: asWritten(inside) })
  await expect(verified).rejects.toThrow(naming(inside))
  await expect(verified).rejects.toThrow(/^the folder of the checkpoints is not a folder/)
  const missing = join(parent, 'missing')
  await expect(verifyAuditTrail(folder, { key, checkpoint: asWritten(missing) })).rejects.toThrow(naming(missing))
})
