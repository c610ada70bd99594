import { afterAll, afterEach, beforeEach, expect, it, vi } from 'vitest'
import { jsonLinesFile } from '../file/file-sink.ts'
import { rotateAuditFolder } from '../file/rotate-audit-folder.ts'
import { context, removeTestFolders, type TestFolder, testFolder, written } from '../testing/folders.ts'
import { verificationSentences } from '../report/verification-summary.ts'
import type { AuditVerification } from './audit-verification.ts'
import { verifyAuditTrail } from './verify-audit-trail.ts'

const [minuteMs, dayMs] = [60_000, 86_400_000]
const start = Date.UTC(2026, 0, 1)

afterAll(removeTestFolders)
beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: start }))
afterEach(() => void vi.useRealTimers())

/** A segment at each of these times, as the host's clock said. */
async function trailOf(...times: readonly number[]): Promise<TestFolder> {
  const trail = await testFolder()
  for (const time of times) await writeAt(trail, time)
  return trail
}

async function writeAt({ folder, checkpoints }: TestFolder, time: number): Promise<void> {
  vi.setSystemTime(time)
  const sink = jsonLinesFile({ folder, checkpoints: { to: checkpoints } })
  await written(sink, 5)
  await sink.close?.(context)
}

const verified = ({ folder, key, checkpoints }: TestFolder, range: object = {}): Promise<AuditVerification> =>
  verifyAuditTrail(folder, { key, checkpoint: checkpoints, ...range })

it('a clock that is corrected by less than an hour, as clocks are, is not told', async () => {
  const trail = await trailOf(start, start + 59 * minuteMs, start + minuteMs, start + dayMs)
  expect(await verified(trail)).toMatchObject({ ok: true, clock: undefined })
})

it('a clock that was set back is told with its line, also where a range shows nothing for it', async () => {
  const trail = await trailOf(start, start + 30 * dayMs, start + dayMs)
  vi.setSystemTime(start + 40 * dayMs)
  const day = { from: start + 10 * dayMs, until: start + 11 * dayMs }
  const found = await verified(trail, day)
  expect(found).toMatchObject({ ok: true, records: 0, clock: { setBackMs: expect.any(Number), file: 'index.jsonl', aheadMs: 0 } })
  expect(found.range).toMatchObject({ writtenFrom: start, writtenUntil: start + 30 * dayMs })
  expect(found.clock?.setBackMs).toBe(29 * dayMs)
  const said = verificationSentences(found).join(' ')
  expect(said).toMatch(
    /^Nothing was verified: .* written to from 2026-01-01 00:00 to 2026-01-31 00:00 UTC\. A host's clock was set back by 29 days/,
  )
  expect((await verified(trail)).clock).toEqual(found.clock)
})

it('a clock that is ahead of the auditor’s is told, in whichever folder of the trail', async () => {
  const trail = await trailOf(start)
  await rotateAuditFolder(trail.folder)
  await writeAt(trail, start + 900 * dayMs)
  vi.setSystemTime(start + 2 * dayMs)
  expect((await verified(trail)).clock).toEqual({ setBackMs: 0, file: '2026-01-01/index.jsonl', line: 1, aheadMs: 898 * dayMs })
})
