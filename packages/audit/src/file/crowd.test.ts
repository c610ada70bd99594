import { mkdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { recordDeadSegments, advanceEpoch } from './next-epoch.ts'
import { auditTrail } from '../trail/audit-trail.ts'
import { FileLock } from './file-lock.ts'
import { jsonLinesFile } from './file-sink.ts'
import { readKey } from '../format/folder-key.ts'
import { SegmentWriter } from './segment-writer.ts'
import { context, event, removeTestFolders, testFolder, written } from '../testing/folders.ts'
import { trialSink } from '../testing/trial-sink.ts'
import { verifyAuditTrail } from '../verify/verify-audit-trail.ts'

beforeEach(() => void vi.spyOn(process, 'emitWarning').mockReturnValue()) // of each outage that a test makes
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})
afterAll(removeTestFolders)

async function openedBy(processes: number, folder: string): Promise<readonly SegmentWriter[]> {
  const writers: SegmentWriter[] = []
  for (let count = 0; count < processes; count++) writers.push(await SegmentWriter.open({ folder, isDurable: false }, []))
  return writers
}

describe('a step of the folder', () => {
  it('costs the same however many segments are open', async () => {
    const { folder } = await testFolder()
    const writers = await openedBy(30, folder)
    const looks = vi.spyOn(FileLock, 'tryTake')
    await advanceEpoch(folder, { ended: [] })
    expect(looks).toHaveBeenCalledTimes(4)
    for (const writer of writers) await writer.release()
  })

  it('leaves segments of dead processes to later ones, which find them all in a while', async () => {
    const { folder, key } = await testFolder()
    for (const writer of await openedBy(30, folder)) await writer.release()
    for (let count = 0; (await recordDeadSegments(folder, 16, 5_000)) !== undefined; count++) expect(count).toBeLessThan(3)
    expect((await readKey(folder)).live).toEqual([])
    expect(await verifyAuditTrail(folder, { key })).toMatchObject({ ok: true, segments: { length: 30 } })
  })

  it('is not taken where nobody died', async () => {
    const { folder } = await testFolder()
    const [writer] = await openedBy(1, folder)
    const { step } = await readKey(folder)
    expect(await recordDeadSegments(folder, 16, 5_000)).toBe(undefined)
    expect((await readKey(folder)).step).toBe(step)
    await writer?.release()
  })
})

describe('a lock that others have', () => {
  it('is named before the trail gives up on its sink', async () => {
    const { folder } = await testFolder()
    const lock = FileLock.tryTake(join(folder, 'folder.lock'))
    const audit = auditTrail({ sinks: [jsonLinesFile({ folder })], sinkDeadlineMs: 4_000 })
    const refusal = {
      code: 'AUDIT_FAILED',
      message: expect.stringMatching(/other processes have had the lock ".*folder\.lock" .* for too long/),
    }
    await expect(audit.record(event, context)).rejects.toMatchObject(refusal)
    lock?.release()
    await audit.record(event, context)
    await audit.close?.(context)
  })

  it('is waited for through one connection, and taken where the folder is, though another was put in its place', async () => {
    const { folder } = await testFolder()
    const [path, old] = [join(folder, 'folder.lock'), `${folder}-old`]
    const held = FileLock.tryTake(path)
    const waiting = FileLock.take(path, { patienceMs: 20_000 })
    await rename(folder, old)
    await mkdir(folder)
    held?.release()
    const lock = await waiting
    expect(FileLock.tryTake(path)).toBe(undefined)
    const free = FileLock.tryTake(join(old, 'folder.lock'))
    expect(free).not.toBe(undefined)
    for (const one of [lock, free]) one?.release()
  })
})

describe('a sink', () => {
  it('may take longer until it has answered once, unless it is told how long', async () => {
    vi.useFakeTimers()
    const refused = async (options: object): Promise<number> => {
      const audit = auditTrail({ sinks: [trialSink('hung', 'hangs')], ...options })
      const times: number[] = []
      for (let count = 0; count < 2; count++) {
        const started = performance.now()
        const record = audit.record(event, context).catch(() => void times.push(Math.round(performance.now() - started)))
        await vi.advanceTimersByTimeAsync(5_000)
        await record
      }
      return Number(times.join(''))
    }
    expect(await refused({})).toBe(48_004_800) // a timeout is no answer
    expect(await refused({ sinkDeadlineMs: 300 })).toBe(300_300)
  })
})

describe('a process that reads nothing yet', () => {
  it('opens its segment ahead, so that the first records of many need not wait for each other', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const { folder, key } = await testFolder()
    const sink = jsonLinesFile({ folder })
    vi.advanceTimersByTime(1_000)
    vi.useRealTimers()
    await vi.waitFor(async () => expect((await readKey(folder)).live).toEqual([1]), 20_000)
    const opening = vi.spyOn(SegmentWriter, 'open')
    await vi.waitFor(() => written(sink, 1), 20_000)
    expect(opening).not.toHaveBeenCalled()
    await sink.close?.(context)
    expect(await verifyAuditTrail(folder, { key })).toMatchObject({ ok: true, records: 1, unproven: [], segments: { length: 1 } })
  })

  it('leaves a whole trail if it closes without a record', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const { folder, key } = await testFolder()
    const sink = jsonLinesFile({ folder })
    vi.advanceTimersByTime(1_000)
    vi.useRealTimers()
    await sink.close?.(context)
    expect(await verifyAuditTrail(folder, { key })).toMatchObject({ ok: true, records: 0, unproven: [], segments: { length: 1 } })
  })
})

describe('a process that starts while others close', () => {
  it('keeps the folder whole: eight at once, again and again', async () => {
    const { folder, key } = await testFolder()
    const run = async (): Promise<void> => {
      const sink = jsonLinesFile({ folder })
      await written(sink, 3)
      await sink.close?.(context)
    }
    for (let round = 0; round < 3; round++) await Promise.all(Array.from({ length: 8 }, run))
    expect(await verifyAuditTrail(folder, { key })).toMatchObject({ ok: true, records: 72, unproven: [], segments: { length: 24 } })
  })
})
