import { afterAll, describe, expect, it } from 'vitest'
import { auditTrail } from '../trail/audit-trail.ts'
import { jsonLinesFile } from '../file/file-sink.ts'
import { context, event, recordsIn, removeTestFolders, testFolder } from '../testing/folders.ts'
import { verifyAuditTrail } from './verify-audit-trail.ts'

afterAll(removeTestFolders)

describe('texts as long as records hold, of what is longest in JSON', () => {
  it('neither hide a record from its readers, nor make the trail look edited', async () => {
    const { folder, key } = await testFolder()
    const audit = auditTrail({ sinks: [jsonLinesFile({ folder })], service: '\u0001'.repeat(20_000), sinkDeadlineMs: 60_000 })
    const long = '\u0001'.repeat(20_000)
    const hostile = { ...event, name: long, actor: long, requestId: long, provider: long, revision: long, operation: long, method: long }
    await Promise.all(Array.from({ length: 24 }, () => audit.record(hostile, context)))
    await audit.close?.(context)
    expect(await verifyAuditTrail(folder, { key })).toMatchObject({ ok: true, records: 24 })
    expect((await recordsIn(folder)).length).toBe(24)
  })
})
