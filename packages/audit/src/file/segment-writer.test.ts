import { existsSync } from 'node:fs'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { canonicalText } from '../record/canonical.ts'
import { lockOf, segmentName } from '../format/end-of-segment.ts'
import { FileLock } from './file-lock.ts'
import { RecordMaker } from '../record/record-maker.ts'
import { SegmentWriter } from './segment-writer.ts'
import { failure, fileHandle, putFullDisk } from '../testing/file-handles.ts'
import { event, linesIn, recordsIn, removeTestFolders, testFolder } from '../testing/folders.ts'
import { verifyAuditTrail } from '../verify/verify-audit-trail.ts'

afterEach(() => void vi.restoreAllMocks())
afterAll(removeTestFolders)

const maker = new RecordMaker({ service: 'test', hashName: undefined })
const line = (name = 'a secret'): string => canonicalText(maker.record({ ...event, name }))
const nothing = (): void => {}

async function opened(isDurable = true): Promise<{ folder: string; key: string; writer: SegmentWriter }> {
  const { folder, key } = await testFolder()
  return { folder, key, writer: await SegmentWriter.open({ folder, isDurable }, []) }
}

function isFree(lock: string): boolean {
  const taken = FileLock.tryTake(lock)
  taken?.release()
  return taken !== undefined
}

describe('a segment that is opened', () => {
  it('is locked, whole, and where it should be', async () => {
    const { folder, writer } = await opened()
    expect([isFree(lockOf(folder, 1)), writer.isBroken, writer.isOver]).toEqual([false, false, false])
    await writer.end()
  })

  it('is refused when somebody has its lock', async () => {
    const { folder } = await testFolder()
    const lock = FileLock.tryTake(lockOf(folder, 1))
    await expect(SegmentWriter.open({ folder, isDurable: true }, [])).rejects.toMatchObject({ code: 'AUDIT_FAILED' })
    lock?.release()
  })

  it('is refused when its file is there, and its lock is free again', async () => {
    const { folder } = await testFolder()
    await writeFile(join(folder, segmentName(1)), 'of somebody')
    await expect(SegmentWriter.open({ folder, isDurable: true }, [])).rejects.toMatchObject({ code: 'EEXIST' })
    expect(isFree(lockOf(folder, 1))).toBe(true)
    expect(await readFile(join(folder, segmentName(1)), 'utf8')).toBe('of somebody')
  })

  it.each(['write', 'sync'] as const)('is let go of when a %s fails once its file is there', async (method) => {
    const { folder } = await testFolder()
    const handles = await fileHandle()
    const original = handles[method]
    vi.spyOn(handles, method).mockImplementation(async function (this: unknown, ...args: unknown[]) {
      if (existsSync(join(folder, segmentName(1)))) throw failure('EIO')
      return Reflect.apply(original, this, args)
    })
    await expect(SegmentWriter.open({ folder, isDurable: true }, [])).rejects.toMatchObject({ code: 'EIO' })
    expect(isFree(lockOf(folder, 1))).toBe(true)
  })
})

describe('the records of a segment', () => {
  it('are sealed in groups of 64', async () => {
    const { folder, key, writer } = await opened()
    await writer.append(
      Array.from({ length: 64 }, () => line()),
      nothing,
    )
    await writer.append(
      Array.from({ length: 65 }, () => line()),
      nothing,
    )
    await writer.end()
    const seals = (await linesIn(join(folder, segmentName(1)))).map((each) => JSON.parse(each)).filter(({ kind }) => kind === 'seal')
    expect(seals.map(({ records }) => records)).toEqual([0, 64, 64, 1, 0])
    expect(await verifyAuditTrail(folder, { key })).toMatchObject({ ok: true, records: 129 })
  })

  it('for which there was no memory are not in it', async () => {
    const { folder, key, writer } = await opened()
    vi.spyOn(Buffer, 'allocUnsafeSlow').mockImplementationOnce(() => {
      throw new RangeError('Array buffer allocation failed')
    })
    await expect(writer.append([line('refused'), 'x'.repeat(300_000)], nothing)).rejects.toThrow('allocation')
    await writer.append([line('after')], nothing)
    await writer.end()
    expect((await recordsIn(folder)).map(({ name }) => name)).toEqual(['after'])
    expect(await verifyAuditTrail(folder, { key })).toMatchObject({ ok: true, records: 1 })
  })

  it('that found no room are cut off, and it goes on where none of them came to the file', async () => {
    const { folder, key, writer } = await opened()
    vi.spyOn(await fileHandle(), 'write').mockRejectedValueOnce(failure('ENOSPC'))
    await expect(writer.append([line('refused')], nothing)).rejects.toMatchObject({ code: 'ENOSPC' })
    await writer.append([line('after')], nothing)
    await writer.end()
    expect((await recordsIn(folder)).map(({ name }) => name)).toEqual(['after'])
    expect(await verifyAuditTrail(folder, { key })).toMatchObject({ ok: true, records: 1 })
  })

  it('of which a part came to the file are cut off, and it takes only its end', async () => {
    const { folder, key, writer } = await opened()
    const before = await readFile(join(folder, segmentName(1)))
    const shown = await putFullDisk(join(folder, segmentName(1)))
    await expect(writer.append([line()], nothing)).rejects.toMatchObject({ code: 'ENOSPC' })
    expect([writer.isOver, writer.isBroken, shown().length]).toEqual([true, false, before.length + 7])
    expect(await readFile(join(folder, segmentName(1)))).toEqual(before)
    await writer.end()
    expect(await verifyAuditTrail(folder, { key })).toMatchObject({ ok: true, records: 0 })
  })

  it.each(['truncate', 'stat'] as const)('end it when they could be neither written nor cut off again: %s', async (method) => {
    const { folder, writer } = await opened()
    await putFullDisk(join(folder, segmentName(1)))
    vi.spyOn(await fileHandle(), method).mockRejectedValueOnce(failure('EIO'))
    await expect(writer.append([line()], nothing)).rejects.toMatchObject({ code: 'ENOSPC' })
    expect(writer.isBroken).toBe(true)
    await writer.release()
  })
})

it('says in a checkpoint where it stands', async () => {
  const { folder, writer } = await opened()
  await writer.append([line(), line()], nothing)
  const { size } = await stat(join(folder, segmentName(1)))
  const stands = { bytes: size, group: 1, head: 'of it', index: 7, kind: 'checkpoint', records: 2, step: 1, v: 2 }
  expect(JSON.parse(writer.checkpoint({ step: 7, line: 'of it' }) ?? '')).toMatchObject(stands)
  await writer.end()
  writer.wipe()
  expect(writer.checkpoint({ step: 7, line: 'of it' })).toBeUndefined()
})

describe('a segment that has ended', () => {
  it('says so in its last seal, and takes nothing any more', async () => {
    const { folder, writer } = await opened()
    await writer.append([line()], nothing)
    const { segment: ended } = await writer.end()
    const { size } = await stat(join(folder, segmentName(1)))
    expect(ended).toEqual({
      step: 1,
      bytes: size,
      group: 2,
      records: 1,
      seals: expect.stringMatching(/^[\w-]{43}$/),
      torn: 0,
      found: 'ended',
    })
    expect([writer.isBroken, isFree(lockOf(folder, 1))]).toEqual([true, true])
    expect(JSON.parse((await linesIn(join(folder, segmentName(1)))).at(-1) ?? '')).toMatchObject({ end: true, records: 0 })
    await expect(writer.append([line()], nothing)).rejects.toMatchObject({ code: 'EBADF' })
    expect(await recordsIn(folder)).toHaveLength(1)
  })
})

it('is forced to disk when it is opened, unless that is not asked for, and in any case when it ends', async () => {
  const sync = vi.spyOn(await fileHandle(), 'datasync')
  const syncs = async (isDurable: boolean): Promise<number[]> => {
    const { folder } = await testFolder()
    sync.mockClear()
    const writer = await SegmentWriter.open({ folder, isDurable }, [])
    const opening = sync.mock.calls.length
    await writer.end()
    return [opening, sync.mock.calls.length - opening]
  }
  const [opening = 0, ending] = await syncs(false)
  expect(ending).toBe(1)
  expect(await syncs(true)).toEqual([opening + 1, 1])
})
