import { execFileSync } from 'node:child_process'
import { cp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { advanceEpoch } from '../file/next-epoch.ts'
import { lockOf } from '../format/end-of-segment.ts'
import { FileLock } from '../file/file-lock.ts'
import type { EndedSegment, IndexEntry } from '../format/index-line.ts'
import { jsonLinesFile } from '../file/file-sink.ts'
import { readKey } from '../format/folder-key.ts'
import { context, linesIn, removeTestFolders, testFolder, trailOf, written } from '../testing/folders.ts'
import { verifyAuditTrail } from './verify-audit-trail.ts'

afterAll(removeTestFolders)

/** What the reading of a segment waits for. */
const reading = vi.hoisted((): { until: Promise<void> | undefined } => ({ until: undefined }))
vi.mock('../disk/open-regular.ts', async (original) => {
  const real = await original<typeof import('../disk/open-regular.ts')>()
  const openRegular: typeof real.openRegular = async (path) => {
    if (path.includes('segment-')) await reading.until
    return real.openRegular(path)
  }
  return { ...real, openRegular }
})

const segment = 'segment-00000001.jsonl'

async function endedIn(folder: string): Promise<readonly EndedSegment[]> {
  const entries: IndexEntry[] = (await linesIn(join(folder, 'index.jsonl'))).map((line) => JSON.parse(line))
  return entries.flatMap(({ ended }) => ended)
}

function isLocked(path: string): boolean {
  const lock = FileLock.tryTake(path)
  lock?.release()
  return lock === undefined
}

/** A folder as a machine that lost its power leaves it: a segment that nobody ended, without its last seal and with half a record. */
async function tornFolder(): Promise<{ folder: string; key: string; torn: Buffer }> {
  const { folder: live, key } = await testFolder()
  const sink = jsonLinesFile({ folder: live })
  await written(sink, 50)
  const folder = join(live, '..', 'found')
  await cp(live, folder, { recursive: true })
  await sink.close?.(context)
  const content = await readFile(join(folder, segment))
  const torn = Buffer.concat([content.subarray(0, content.lastIndexOf('{"group"')), Buffer.from('{"actor":"half a rec')])
  await writeFile(join(folder, segment), torn)
  return { folder, key, torn }
}

describe('a torn tail', () => {
  it('is recorded by the next process, and no more of it can be taken away then', async () => {
    const { folder, key, torn } = await tornFolder()
    const next = jsonLinesFile({ folder })
    await written(next, 1)
    await next.close?.(context)
    expect(await endedIn(folder)).toMatchObject([
      { step: 1, found: 'cut', torn: expect.any(Number) },
      { step: 2, found: 'ended', torn: 0 },
    ])
    const result = await verifyAuditTrail(folder, { key })
    expect(result).toMatchObject({ ok: true, unproven: [{ file: segment, torn: (await endedIn(folder))[0]?.torn }] })
    expect(result.unproven[0]?.torn).toBeGreaterThan(20)

    await writeFile(join(folder, segment), torn.subarray(0, torn.lastIndexOf('{"group"')))
    expect((await verifyAuditTrail(folder, { key })).problem).toMatchObject({ what: 'truncated', file: segment })
  })
})

describe('the end of a segment', () => {
  it('is looked for, however long that takes, without holding up others', async () => {
    const { folder } = await tornFolder()
    const { promise, resolve } = Promise.withResolvers<void>()
    reading.until = promise
    const slow = advanceEpoch(folder, { ended: [] })
    await vi.waitFor(() => expect(isLocked(lockOf(folder, 1))).toBe(true), 20_000) // it is at it
    const { step } = await advanceEpoch(folder, { ended: [] })
    resolve()
    expect((await slow).step).toBe(step + 1)
    expect(await endedIn(folder)).toMatchObject([{ step: 1, found: 'cut' }])
  })

  it('is left open where a FIFO is in the place of the segment: no service waits for its writer', async () => {
    const { folder, torn } = await tornFolder()
    await rm(join(folder, segment))
    execFileSync('mkfifo', [join(folder, segment)])
    const { step } = await advanceEpoch(folder, { ended: [] })
    expect(await endedIn(folder)).toEqual([])
    await rm(join(folder, segment))
    await writeFile(join(folder, segment), torn)
    expect((await advanceEpoch(folder, { ended: [] })).step).toBe(step + 1)
    expect(await endedIn(folder)).toMatchObject([{ step: 1, found: 'cut' }])
  })

  it('is recorded once, though another process finds it ended before its own says so', async () => {
    const { folder, key } = await trailOf(1)
    const [end] = await endedIn(folder)
    if (end === undefined) throw new Error('nothing was recorded')
    const { folder: id } = await readKey(folder)
    await advanceEpoch(folder, { ended: [{ path: folder, folder: id, segment: end }] })
    expect(await endedIn(folder)).toEqual([end])
    expect(await verifyAuditTrail(folder, { key })).toMatchObject({ ok: true, records: 1 })
  })
})
