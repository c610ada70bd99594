import { afterAll, expect, it, vi } from 'vitest'
import { initAuditFolder } from './init-audit-folder.ts'
import { auditTrail } from '../trail/audit-trail.ts'
import { jsonLinesFile } from './file-sink.ts'
import { context, event, removeTestFolders, testFolder } from '../testing/folders.ts'
import { verifyAuditTrail } from '../verify/verify-audit-trail.ts'

/** Everybody finds the folder empty, as processes do that look at the same time. */
vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>()
  return { ...real, readdir: vi.fn(real.readdir).mockResolvedValueOnce([]).mockResolvedValueOnce([]) }
})

afterAll(removeTestFolders)

it('gives one key for a folder that two processes make ready at the same time, and it verifies', async () => {
  const { folder, key } = await testFolder()
  await expect(initAuditFolder(folder)).rejects.toMatchObject({
    code: 'CONFIGURATION',
    message: expect.stringContaining('already has a key'),
  })
  const audit = auditTrail({ sinks: [jsonLinesFile({ folder })], sinkDeadlineMs: 60_000 })
  await audit.record(event, context)
  await audit.close?.(context)
  expect(await verifyAuditTrail(folder, { key })).toMatchObject({ ok: true, records: 1 })
})
