import { appendFile, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { advanceEpoch } from '../file/next-epoch.ts'
import { canonicalLine } from '../record/canonical.ts'
import { unusedSegment } from '../format/end-of-segment.ts'
import { type EndedSegment, indexLine } from '../format/index-line.ts'
import { jsonLinesFile } from '../file/file-sink.ts'
import { readKey } from '../format/folder-key.ts'
import { digestOf } from '../record/digest.ts'
import { context, linesIn, removeTestFolders, testFolder, trailOf, written } from '../testing/folders.ts'
import { trialSink } from '../testing/trial-sink.ts'
import { verifyAuditTrail } from './verify-audit-trail.ts'

afterAll(removeTestFolders)

const segment = 'segment-00000001.jsonl'

/** With the key that lies in the folder, whoever takes the host writes the next line of its index, and may write into it what he likes. */
async function claimed(folder: string, ended: EndedSegment, id?: string): Promise<void> {
  const { folder: own, step, key } = await readKey(folder)
  const before = digestOf(`${(await linesIn(join(folder, 'index.jsonl'))).at(-1)}\n`)
  const entry = { v: 2, before, folder: id ?? own, step, time: 1, host: 'web-1', pid: 1, opens: false, ended: [ended] } as const
  await appendFile(join(folder, 'index.jsonl'), indexLine(entry, key))
}

/** The segment with so many lines, and what an entry would say of it. */
async function shortened(folder: string, lines: number): Promise<EndedSegment> {
  const content = (await linesIn(join(folder, segment))).slice(0, lines).map((line) => `${line}\n`)
  await writeFile(join(folder, segment), content.join(''))
  const bytes = Buffer.byteLength(content.join(''))
  return { step: 1, bytes, group: lines / 2 - 1, records: lines / 2 - 1, seals: '', torn: 0, found: 'ended' }
}

describe('whoever takes the host', () => {
  it('cannot say of a segment that ended before that it was shorter', async () => {
    const { folder, key } = await trailOf(8)
    for (const found of ['ended', 'cut'] as const) {
      await claimed(folder, { ...(await shortened(folder, 6)), found })
      expect((await verifyAuditTrail(folder, { key })).problem).toMatchObject({ what: 'inserted', file: 'index.jsonl', line: 4 })
    }
  })

  it('cannot say of a segment that ended before that it was never used', async () => {
    const { folder, key } = await trailOf(8)
    await claimed(folder, unusedSegment(1))
    await rm(join(folder, segment))
    expect((await verifyAuditTrail(folder, { key })).problem).toMatchObject({ what: 'inserted', file: 'index.jsonl', line: 4 })
  })

  it("cannot say so in the folder's key either, which is not sealed", async () => {
    const { folder, key } = await trailOf(8)
    const state = JSON.parse(await readFile(join(folder, 'key.json'), 'utf8'))
    await writeFile(join(folder, 'key.json'), canonicalLine({ ...state, unused: [1, 2] }))
    await rm(join(folder, segment))
    expect((await verifyAuditTrail(folder, { key })).problem).toMatchObject({ what: 'missing', file: segment })
  })

  it('cannot say of a segment that another step followed that it was never used, though it is being written', async () => {
    const { folder, key } = await testFolder()
    const sink = jsonLinesFile({ folder })
    await written(sink, 8)
    await advanceEpoch(folder, { ended: [] })
    const state = JSON.parse(await readFile(join(folder, 'key.json'), 'utf8'))
    await writeFile(join(folder, 'key.json'), canonicalLine({ ...state, unused: [1] }))
    await rm(join(folder, segment))
    expect((await verifyAuditTrail(folder, { key })).problem).toMatchObject({ what: 'missing', file: segment })
    await writeFile(join(folder, 'key.json'), canonicalLine(state))
    await claimed(folder, unusedSegment(1))
    expect((await verifyAuditTrail(folder, { key })).problem).toMatchObject({ what: 'inserted', file: 'index.jsonl' })
    await sink.close?.(context).catch(() => {}) // into what is gone
  })

  it('cannot say of a segment that was opened last that it was never used, and have it pass for proven', async () => {
    const { folder, key } = await testFolder()
    const worm = trialSink('worm')
    const sink = jsonLinesFile({ folder, checkpoints: { to: worm } })
    await written(sink, 8)
    await claimed(folder, unusedSegment(1))
    await rm(join(folder, segment))
    const checkpoint = worm.records.map((record) => record.checkpoint ?? '')
    expect((await verifyAuditTrail(folder, { key, checkpoint })).problem).toMatchObject({ what: 'missing', file: segment })
    expect(await verifyAuditTrail(folder, { key })).toMatchObject({ ok: true, records: 0, unproven: [{ file: segment, lastLine: 0 }] })
    await sink.close?.(context).catch(() => {}) // into what is gone
  })

  it('cannot give the folder another name, of which there are no checkpoints', async () => {
    const { folder, key } = await testFolder()
    const sink = jsonLinesFile({ folder })
    await written(sink, 8)
    await claimed(folder, await shortened(folder, 6), 'another')
    expect((await verifyAuditTrail(folder, { key })).problem).toMatchObject({ what: 'inserted', file: 'index.jsonl', line: 3 })
    await sink.close?.(context).catch(() => {}) // into what is gone
  })

  it.each([4, 2_000_000, Number.MAX_SAFE_INTEGER])('cannot make the index look cut by a folder key of step %i', async (step) => {
    const { folder, key } = await trailOf(1)
    const state = JSON.parse(await readFile(join(folder, 'key.json'), 'utf8'))
    await writeFile(join(folder, 'key.json'), canonicalLine({ ...state, step }))
    expect((await verifyAuditTrail(folder, { key })).problem).toMatchObject({ what: 'edited', file: 'key.json' })
  })

  it("cannot give the folder's key another folder's name, and have the next process spoil the index with it", async () => {
    const { folder, key } = await trailOf(1)
    const state = JSON.parse(await readFile(join(folder, 'key.json'), 'utf8'))
    await writeFile(join(folder, 'key.json'), canonicalLine({ ...state, folder: 'another' }))
    expect((await verifyAuditTrail(folder, { key })).problem).toMatchObject({ what: 'edited', file: 'key.json' })
    await expect(advanceEpoch(folder, { ended: [] })).rejects.toMatchObject({ code: 'INTEGRITY' })
    await writeFile(join(folder, 'key.json'), canonicalLine(state))
    expect(await verifyAuditTrail(folder, { key })).toMatchObject({ ok: true })
  })

  it('cannot tell the end of a segment before it was opened', async () => {
    const { folder, key } = await testFolder()
    await claimed(folder, { ...unusedSegment(2), found: 'ended' })
    expect((await verifyAuditTrail(folder, { key })).problem).toMatchObject({ what: 'inserted', file: 'index.jsonl', line: 2 })
  })
})
