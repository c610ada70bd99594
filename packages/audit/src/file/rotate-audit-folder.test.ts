import { cp, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { context, emptyFolder, removeTestFolders, segmentsOf, type TestFolder, testFolder, written } from '../testing/folders.ts'
import { verificationSeverity } from '../report/verification-summary.ts'
import type { AuditVerification } from '../verify/audit-verification.ts'
import { verifyAuditTrail } from '../verify/verify-audit-trail.ts'
import { jsonLinesFile, type JsonLinesFileOptions } from './file-sink.ts'
import { rotateAuditFolder } from './rotate-audit-folder.ts'

afterAll(removeTestFolders)
beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2026, 10, 20) }))
afterEach(() => void vi.useRealTimers())

const verified = ({ folder, key, checkpoints }: TestFolder, more = {}): Promise<AuditVerification> =>
  verifyAuditTrail(folder, { key, checkpoint: checkpoints, ...more })

async function addSegment({ folder, checkpoints }: TestFolder, records = 3, options: Partial<JsonLinesFileOptions> = {}): Promise<void> {
  const sink = jsonLinesFile({ folder, checkpoints: { to: checkpoints }, ...options })
  try {
    await written(sink, records)
  } finally {
    await sink.close?.(context)
  }
}

/** Three folders of one trail, with three records each. */
async function rotatedTrail(): Promise<TestFolder> {
  const made = await segmentsOf(1, 3)
  for (let more = 0; more < 2; more++) {
    await rotateAuditFolder(made.folder)
    await addSegment(made)
  }
  return made
}

describe('a trail that was rotated', () => {
  it('goes on in a folder of the day, and its folders are verified together by one key', async () => {
    const made = await rotatedTrail()
    expect(await verified(made)).toMatchObject({ ok: true, records: 9, unproven: [], foreign: [], isIndexWhole: true })
    const { folders, segments, checkpoints } = await verified(made)
    expect(folders.map(({ name }) => name)).toEqual(['', '2026-11-20', '2026-11-20-2'])
    expect(segments.map(({ file }) => file)).toEqual([
      'segment-00000001.jsonl',
      '2026-11-20/segment-00000001.jsonl',
      '2026-11-20-2/segment-00000001.jsonl',
    ])
    expect(checkpoints?.count).toBeGreaterThan(8)
  })

  it('has folders that verify each alone, by the key of the first', async () => {
    const { folder, key, checkpoints } = await rotatedTrail()
    for (const name of ['2026-11-20', '2026-11-20-2']) {
      const alone = join(await emptyFolder(), 'brought-back')
      await cp(join(folder, name), alone, { recursive: true })
      const found = await verifyAuditTrail(alone, { key, checkpoint: join(checkpoints, name) })
      expect(found, name).toMatchObject({ ok: true, records: 3, unproven: [] })
    }
    expect(await verifyAuditTrail(folder, { key, checkpoint: checkpoints, alone: true })).toMatchObject({ ok: true, records: 3 })
  })

  it('has folders that find their checkpoints in those of the trail', async () => {
    const { folder, key, checkpoints } = await rotatedTrail()
    const found = await verifyAuditTrail(join(folder, '2026-11-20'), { key, checkpoint: checkpoints })
    expect(found).toMatchObject({ ok: true, records: 3, checkpoints: { count: 3 } })
  })

  it('shows that a folder is gone, in the middle or at the end, and verifies the others', async () => {
    for (const [gone, records] of [
      ['2026-11-20', 6],
      ['2026-11-20-2', 6],
    ] as const) {
      const made = await rotatedTrail()
      await rm(join(made.folder, gone), { recursive: true })
      const { ok, records: found, problems } = await verified(made)
      expect([ok, found, problems.map(({ what, file }) => [what, file])], gone).toEqual([false, records, [['missing', gone]]])
    }
  })

  it('shows that a folder was put in the place of another, or names no other', async () => {
    const made = await rotatedTrail()
    const [first, second] = ['2026-11-20', '2026-11-20-2'].map((name) => join(made.folder, name))
    await rename(first ?? '', `${second}-moved`)
    await cp(second ?? '', first ?? '', { recursive: true })
    const { ok, problems } = await verified(made)
    expect([ok, problems[0]?.what, problems[0]?.file]).toEqual([false, 'wrong key', '2026-11-20/index.jsonl'])
  })

  it('is proved, though a process without records passed through one of its folders', async () => {
    const made = await testFolder()
    const sink = jsonLinesFile({ folder: made.folder, checkpoints: { to: made.checkpoints } })
    await written(sink, 1)
    for (let rotations = 0; rotations < 3; rotations++) await rotateAuditFolder(made.folder)
    await written(sink, 1)
    await sink.close?.(context)
    const found = await verified(made)
    expect([found.ok, found.records, found.unproven, verificationSeverity(found)]).toEqual([true, 2, [], 'good'])
  })

  it('verifies a folder that was moved to another disk, behind a link', async () => {
    const made = await rotatedTrail()
    const moved = join(await emptyFolder(), 'moved')
    await rename(join(made.folder, '2026-11-20'), moved)
    await symlink(moved, join(made.folder, '2026-11-20'))
    expect(await verified(made)).toMatchObject({ ok: true, records: 9, foreign: [] })
    await symlink('nowhere', join(made.folder, '2026-11-21'))
    expect((await verified(made)).foreign).toMatchObject([{ file: '2026-11-21' }])
  })

  it('says which folder in it is of another trail', async () => {
    const made = await rotatedTrail()
    const other = await segmentsOf(1, 1)
    await cp(other.folder, join(made.folder, '2026-01-01'), { recursive: true })
    await mkdir(join(made.folder, '2026-01-02'))
    const { ok, foreign } = await verified(made)
    expect([ok, foreign.map(({ file }) => file)]).toEqual([true, ['2026-01-01', '2026-01-02']])
  })

  it('detects an edit in any of its folders, and names the file with its folder', async () => {
    const made = await rotatedTrail()
    const path = join(made.folder, '2026-11-20', 'segment-00000001.jsonl')
    await writeFile(path, (await readFile(path, 'utf8')).replace('secret-1', 'secret-7'))
    const { problem, records } = await verified(made)
    expect([problem, records]).toEqual([
      expect.objectContaining({ what: 'edited', file: '2026-11-20/segment-00000001.jsonl', segment: 1 }),
      8,
    ])
  })

  it('proves the line by which a folder was left, though the folder has no key and no checkpoint', async () => {
    const made = await rotatedTrail()
    const index = join(made.folder, 'index.jsonl')
    const lines = (await readFile(index, 'utf8')).split('\n')
    await rm(join(made.folder, 'key.json'))
    await writeFile(index, `${lines.slice(0, -2).join('\n')}\n`)
    const { ok, problems } = await verifyAuditTrail(made.folder, { key: made.key })
    expect([ok, problems.map(({ what, file }) => [what, file])]).toEqual([false, [['truncated', 'index.jsonl']]])
  })

  it('is not named by a folder within it', async () => {
    const { folder } = await rotatedTrail()
    await expect(rotateAuditFolder(join(folder, '2026-11-20'))).rejects.toMatchObject({
      code: 'CONFIGURATION',
      remedy: expect.stringContaining(folder),
    })
  })
})

describe('a sink that runs', () => {
  it('moves on with its next record, and records the end of its segment in the folder that it left', async () => {
    const made = await testFolder()
    const sink = jsonLinesFile({ folder: made.folder, checkpoints: { to: made.checkpoints } })
    await written(sink, 3)
    const { from, to } = await rotateAuditFolder(made.folder)
    expect([from, basename(to)]).toEqual([made.folder, '2026-11-20'])
    await vi.waitFor(async () => expect(await readdir(to)).toContain('segment-00000001.jsonl'), 10_000)
    await written(sink, 4)
    await sink.close?.(context)
    const { ok, records, segments, unproven } = await verified(made)
    expect([ok, records, segments.map(({ file, records: own }) => [file, own]), unproven]).toEqual([
      true,
      7,
      [
        ['segment-00000001.jsonl', 3],
        ['2026-11-20/segment-00000001.jsonl', 4],
      ],
      [],
    ])
  })

  it('that is closed before its next record leaves an empty segment in the new folder, and all is proven', async () => {
    const made = await testFolder()
    const sink = jsonLinesFile({ folder: made.folder, checkpoints: { to: made.checkpoints } })
    await written(sink, 3)
    const { to } = await rotateAuditFolder(made.folder)
    await vi.waitFor(async () => expect(await readdir(to)).toContain('segment-00000001.jsonl'), 10_000)
    await sink.close?.(context)
    expect(await verified(made)).toMatchObject({ ok: true, records: 3, unproven: [] })
  })

  it('finds the folder that another process left it for', async () => {
    const made = await rotatedTrail()
    const running = jsonLinesFile({ folder: made.folder, maxSegmentBytes: 4_096, checkpoints: { to: made.checkpoints } })
    await written(running, 2)
    await rotateAuditFolder(made.folder)
    await addSegment(made)
    await written(running, 40)
    await running.close?.(context)
    const { ok, records, folders } = await verified(made)
    expect([ok, records, folders.length]).toEqual([true, 9 + 2 + 3 + 40, 4])
  })

  it.each([
    ['month', Date.UTC(2026, 11, 1, 0, 10), '2026-12-01'],
    ['year', Date.UTC(2027, 0, 1, 0, 10), '2027-01-01'],
  ] as const)('begins a folder with each %s', async (folderPer, later, name) => {
    const made = await testFolder()
    const sink = jsonLinesFile({ folder: made.folder, folderPer, checkpoints: { to: made.checkpoints } })
    let count = 0
    const writtenUntil = (isThere: () => Promise<boolean>): Promise<void> =>
      vi.waitFor(async () => {
        await written(sink, 1)
        count++
        expect(await isThere()).toBe(true)
      }, 10_000)
    await writtenUntil(async () => true)
    vi.setSystemTime(Date.UTC(2026, 10, 21, 0, 10))
    await writtenUntil(async () => (await readdir(made.folder)).includes('segment-00000002.jsonl'))
    vi.setSystemTime(later)
    await writtenUntil(async () => (await readdir(join(made.folder, name)).catch(() => [''])).includes('segment-00000001.jsonl'))
    await sink.close?.(context)
    const { ok, records, folders } = await verified(made)
    expect([ok, records, folders.map((folder) => folder.name)]).toEqual([true, count, ['', name]])
  })

  it('writes to the last folder, though those before it were moved to an archive', async () => {
    const made = await rotatedTrail()
    await rotateAuditFolder(made.folder)
    await rename(join(made.folder, '2026-11-20'), join(await emptyFolder(), 'archived'))
    await addSegment(made)
    expect(await readdir(join(made.folder, '2026-11-20-3'))).toContain('segment-00000001.jsonl')
  })

  it('says that the last folder is gone, and does not begin another one', async () => {
    const made = await rotatedTrail()
    await rm(join(made.folder, '2026-11-20-2'), { recursive: true })
    await expect(addSegment(made)).rejects.toMatchObject({ code: 'AUDIT_FAILED' })
    await expect(rotateAuditFolder(made.folder)).rejects.toMatchObject({
      code: 'CONFIGURATION',
      remedy: expect.stringContaining('bring it back'),
    })
  })
})
