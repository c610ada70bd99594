import { rename } from 'node:fs/promises'
import { afterAll, expect, it } from 'vitest'
import { initAuditFolder } from './init-audit-folder.ts'
import { jsonLinesFile } from './file-sink.ts'
import { context, removeTestFolders, testFolder, written } from '../testing/folders.ts'
import { verifyAuditTrail } from '../verify/verify-audit-trail.ts'

afterAll(removeTestFolders)

it('a folder that was made in the place of another under running processes is told nothing of the segments of the other', async () => {
  const { folder, key: oldKey } = await testFolder()
  const [first, second] = [jsonLinesFile({ folder }), jsonLinesFile({ folder })]
  await written(first, 3)
  await written(second, 5)
  await rename(folder, `${folder}-old`)
  const { key } = await initAuditFolder(folder)
  for (const sink of [second, first, second]) for (let count = 0; count < 2; count++) await written(sink, 1)
  await second.close?.(context)
  await first.close?.(context)
  expect(await verifyAuditTrail(folder, { key })).toMatchObject({ ok: true, records: 4, unproven: [] })
  expect(await verifyAuditTrail(`${folder}-old`, { key: oldKey })).toMatchObject({ ok: true, records: 10 })
})
