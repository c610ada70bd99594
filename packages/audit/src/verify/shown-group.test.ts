import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, expect, it, vi } from 'vitest'
import { jsonLinesFile } from '../file/file-sink.ts'
import { putFullDisk } from '../testing/file-handles.ts'
import { context, recordsIn, removeTestFolders, testFolder, written } from '../testing/folders.ts'
import { aRecord } from '../testing/sample-records.ts'
import { verifyAuditTrail } from './verify-audit-trail.ts'

afterEach(() => void vi.restoreAllMocks())
afterAll(removeTestFolders)

const segment = 'segment-00000001.jsonl'

/** The lines up to the last seal. */
function sealedPart(content: Buffer): Buffer {
  return content.subarray(0, content.lastIndexOf('\n', content.lastIndexOf('{"group":')) + 1)
}

it('does not let a group that a full disk took back stand in for what came after it', async () => {
  const { folder, key } = await testFolder()
  const sink = jsonLinesFile({ folder })
  await written(sink, 1)
  const path = join(folder, segment)
  const shown = await putFullDisk(path, (size) => size - 20)
  const refused = Array.from({ length: 70 }, (_, at) => sink.write(aRecord({ seq: 2 + at, name: 'refused' }), context))
  for (const { status } of await Promise.allSettled(refused)) expect(status).toBe('rejected')
  await sink.write(aRecord({ seq: 72, name: 'what came after' }), context)
  const killed = join(folder, '..', 'killed')
  await cp(folder, killed, { recursive: true })
  await sink.close?.(context)
  expect((await recordsIn(killed)).map(({ name }) => name).slice(1)).toEqual(['what came after'])
  expect(await verifyAuditTrail(killed, { key })).toMatchObject({ ok: true, records: 2 })

  expect((await readFile(path)).length).toBeLessThan(sealedPart(shown()).length)
  await writeFile(join(killed, segment), sealedPart(shown()))
  const { ok, problem } = await verifyAuditTrail(killed, { key })
  expect([ok, problem?.file]).toEqual([false, segment])
})
