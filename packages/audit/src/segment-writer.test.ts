import { afterAll, afterEach, expect, it, vi } from 'vitest'
import { canonicalText } from './canonical.ts'
import { RecordMaker } from './record-maker.ts'
import { SegmentWriter } from './segment-writer.ts'
import { event, recordsIn, removeTestFolders, testFolder } from './testing/folders.ts'
import { verifyAuditTrail } from './verify-audit-trail.ts'

afterEach(() => void vi.restoreAllMocks())
afterAll(removeTestFolders)

const maker = new RecordMaker({ service: 'test', nameKey: undefined })
const line = (name: string): string => canonicalText(maker.record({ ...event, name }))
const nothing = (): void => {}

it('holds nothing of records for which there was no memory', async () => {
  const { folder, key } = await testFolder()
  const writer = await SegmentWriter.open({ folder, isDurable: true }, [])
  vi.spyOn(Buffer, 'allocUnsafeSlow').mockImplementationOnce(() => {
    throw new RangeError('Array buffer allocation failed')
  })
  await expect(writer.append([line('refused'), 'x'.repeat(300_000)], nothing)).rejects.toThrow('allocation')
  await writer.append([line('after')], nothing)
  await writer.end()
  expect((await recordsIn(folder)).map(({ name }) => name)).toEqual(['after'])
  expect(await verifyAuditTrail(folder, { key })).toMatchObject({ ok: true, records: 1 })
})
