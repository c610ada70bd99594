import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { jsonLinesFile } from '../file/file-sink.ts'
import { rotateAuditFolder } from '../file/rotate-audit-folder.ts'
import { summaryReport } from '../report/report.ts'
import { context, emptyFolder, removeTestFolders, segmentsOf, type TestFolder, trailOf, written } from '../testing/folders.ts'
import { gathered } from '../testing/gathered.ts'
import { summarize } from './summarize.ts'
import { type TrailSource, verifiedTrails } from './verified-trails.ts'

afterAll(removeTestFolders)

const sourceOf = ({ folder, key, checkpoints }: TestFolder): TrailSource => ({ folder, key, checkpoint: checkpoints })

async function process(folder: string, records: number): Promise<void> {
  const sink = jsonLinesFile({ folder })
  await written(sink, records)
  await sink.close?.(context)
}

describe('several trails, verified in one pass', () => {
  it('are one report, each with its own verdict', async () => {
    const [one, other] = [await trailOf(3), await trailOf(5)]
    const { trails, result } = await verifiedTrails([one, other].map(sourceOf), (records) => summarize(records))
    expect(result.records).toBe(8)
    expect(trails).toMatchObject([
      { folder: one.folder, checkpoints: one.checkpoints, verification: { ok: true, records: 3 } },
      { folder: other.folder, verification: { ok: true, records: 5 } },
    ])
    expect(new Set(trails.map(({ verification }) => verification?.id)).size).toBe(2)
    expect(summaryReport(result, { format: 'text', trails })).toContain('Verified: every record in 2 folders is as it was written (8)')
  })

  it('are all verified, though the reader stops before', async () => {
    const [one, other] = [await trailOf(3), await trailOf(5)]
    const path = join(other.folder, 'segment-00000001.jsonl')
    await writeFile(path, (await readFile(path, 'utf8')).replace('secret-4', 'secret-X'))
    const { trails, result } = await verifiedTrails([one, other].map(sourceOf), async (records) => {
      for await (const { name } of records) return name
      return undefined
    })
    expect([result, trails.map(({ verification }) => verification?.ok)]).toEqual(['secret-0', [true, false]])
  })

  it('go on behind a folder that cannot be verified, and say why it could not', async () => {
    const one = await trailOf(3)
    const wrongKey = { folder: one.folder, key: 'audit-key:wrong' }
    const none = { folder: join(await emptyFolder(), 'none'), key: one.key }
    const { trails, result } = await verifiedTrails([wrongKey, none, sourceOf(one)], gathered)
    expect(trails).toMatchObject([
      { folder: one.folder, failure: expect.stringContaining("not an auditor's key") },
      { folder: none.folder, failure: expect.stringContaining('does not exist') },
      { verification: { ok: true } },
    ])
    expect(result).toHaveLength(3)
  })

  it('end with the error of their reader', async () => {
    const one = await trailOf(1)
    await expect(verifiedTrails([sourceOf(one)], () => Promise.reject(new RangeError('of the reader')))).rejects.toThrow('of the reader')
  })

  it.each([[[]], [undefined], ['folder']])('are refused as %j', async (sources) => {
    await expect(verifiedTrails(sources as never, gathered)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    await expect(verifiedTrails([{ folder: 'a', key: '' }], undefined as never)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })
})

describe('two folders with one id', () => {
  it('are the same, or an older copy, which is no fault', async () => {
    const made = await segmentsOf(1, 2)
    const copy = { ...made, folder: join(made.folder, '..', 'copy') }
    await cp(made.folder, copy.folder, { recursive: true })
    const relations = async (): Promise<unknown[]> => {
      const { trails } = await verifiedTrails(
        [made, copy].map(({ folder, key }) => ({ folder, key })),
        gathered,
      )
      return trails.map(({ twin }) => [twin?.relation, twin?.folder])
    }
    expect(await relations()).toEqual([
      ['same', copy.folder],
      ['same', made.folder],
    ])
    await process(made.folder, 2)
    expect(await relations()).toEqual([
      ['newer', copy.folder],
      ['older', made.folder],
    ])
  })

  it('are two machines that wrote as one, if both went on', async () => {
    const made = await segmentsOf(1, 2)
    const copy = join(made.folder, '..', 'copy')
    await cp(made.folder, copy, { recursive: true })
    await process(made.folder, 2)
    await process(copy, 3)
    const sources = [made.folder, copy].map((folder) => ({ folder, key: made.key }))
    const { trails } = await verifiedTrails(sources, gathered)
    expect(trails.map(({ verification, twin }) => [verification?.ok, twin?.relation])).toEqual([
      [true, 'forked'],
      [true, 'forked'],
    ])
  })

  it('are compared in all folders of a trail: one copy went on in the next, or both did', async () => {
    const made = await segmentsOf(1, 2)
    const copy = join(made.folder, '..', 'copy')
    const relations = async (): Promise<unknown[]> => {
      const sources = [made.folder, copy].map((folder) => ({ folder, key: made.key }))
      return (await verifiedTrails(sources, gathered)).trails.map(({ twin }) => twin?.relation)
    }
    await rotateAuditFolder(made.folder)
    await cp(made.folder, copy, { recursive: true })
    expect(await relations()).toEqual(['same', 'same'])
    await process(made.folder, 2)
    expect(await relations()).toEqual(['newer', 'older'])
    await process(copy, 3)
    expect(await relations()).toEqual(['forked', 'forked'])
  })
})
