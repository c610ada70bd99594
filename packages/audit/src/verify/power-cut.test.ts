import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { jsonLinesFile } from '../file/file-sink.ts'
import { readSegment, type SegmentGroup } from '../format/segment-reader.ts'
import { context, removeTestFolders, type TestFolder, testFolder, trailOf, written } from '../testing/folders.ts'
import { verifyAuditTrail } from './verify-audit-trail.ts'

afterAll(removeTestFolders)

const segment = 'segment-00000001.jsonl'

async function groupsOf(folder: string): Promise<readonly SegmentGroup[]> {
  const groups: SegmentGroup[] = []
  for await (const group of readSegment(join(folder, segment))) groups.push(group)
  return groups
}

/** A folder of which nobody ended the segment, with zeros from so many bytes before the seal of a group until its end, or only so many of them. */
async function cutAt(
  group: number,
  before: number,
  zeros = Infinity,
): Promise<TestFolder & { readonly torn: number; readonly line: number }> {
  const made = await testFolder()
  const sink = jsonLinesFile({ folder: made.folder, checkpoints: { to: made.checkpoints } })
  await written(sink, 500)
  const folder = join(made.folder, '..', 'found')
  await cp(made.folder, folder, { recursive: true })
  await sink.close?.(context)
  return { ...made, folder, ...(await zeroed(folder, group, before, zeros)) }
}

async function zeroed(
  folder: string,
  group: number,
  before: number,
  zeros: number,
): Promise<{ readonly torn: number; readonly line: number }> {
  const [groups, content] = [await groupsOf(folder), await readFile(join(folder, segment))]
  const [last, hit] = [groups.at(group - 1), groups.at(group)]
  if (last === undefined || hit === undefined) throw new Error('there is no such group')
  const sealAt = hit.endsAt - hit.sealLine.length
  content.fill(0, sealAt - before, Math.min(sealAt - before + zeros, hit.endsAt))
  await writeFile(join(folder, segment), content)
  return { torn: content.length - last.endsAt, line: last.firstLine + last.lines.length }
}

async function goneOn(folder: string): Promise<void> {
  const next = jsonLinesFile({ folder })
  await written(next, 1)
  await next.close?.(context)
}

const zeros: readonly (readonly [string, before: number, zeros: number])[] = [
  ['in a record', 500, 100],
  ['in a seal', -20, 10],
  ['over the end of a record', 10, 10],
  ['over the whole end', 300, Infinity],
]

describe('zeros that a power cut left in the last group', () => {
  it.each(zeros)('are a torn tail, before and after the next process has said so: %s', async (_, before, count) => {
    const { folder, key, torn, line } = await cutAt(-1, before, count)
    const found = { file: segment, lastLine: line, torn }
    expect(await verifyAuditTrail(folder, { key })).toMatchObject({ ok: true, unproven: [found] })
    await goneOn(folder)
    expect(await verifyAuditTrail(folder, { key })).toMatchObject({ ok: true, unproven: [found] })
  })

  it('are a cut trail where a checkpoint had come to another machine', async () => {
    const { folder, key, checkpoints } = await cutAt(-1, 500, 100)
    expect((await verifyAuditTrail(folder, { key, checkpoint: checkpoints })).problem).toMatchObject({ what: 'truncated', file: segment })
  })
})

describe('zeros with whole groups behind them', () => {
  it.each([
    ['in a record', 100, 50],
    ['in the place of a seal', 0, 10],
  ])('are a torn tail if those were written at once with them, and it is said how much they hold: %s', async (_, before, count) => {
    const { folder, key, torn, line } = await cutAt(-2, before, count)
    const found = { file: segment, lastLine: line, torn, sealedBehind: 12 }
    expect(await verifyAuditTrail(folder, { key })).toMatchObject({ ok: true, unproven: [found] })
    await goneOn(folder)
    expect(await verifyAuditTrail(folder, { key })).toMatchObject({ ok: true, unproven: [found] })
  })

  it('are an edit if those were written later, whatever the next process says of them', async () => {
    const { folder, key, line } = await cutAt(-4, 100, 50)
    const edit = { what: 'edited', file: segment, line: line + 1 }
    expect((await verifyAuditTrail(folder, { key })).problem).toMatchObject(edit)
    await goneOn(folder)
    const { problem, problems } = await verifyAuditTrail(folder, { key })
    expect(problem).toMatchObject({
      ...edit,
      explanation: expect.stringMatching(/^the index says that the segment ended before this line/),
    })
    expect(problems).toHaveLength(2)
  })

  it('are an edit in what was found before, or was ended', async () => {
    const { folder, key } = await cutAt(-1, 500, 100)
    await goneOn(folder)
    await zeroed(folder, -4, 100, 50)
    expect((await verifyAuditTrail(folder, { key })).problem).toMatchObject({ what: 'edited', file: segment })

    const ended = await trailOf(500)
    await zeroed(ended.folder, -1, -20, 10)
    expect((await verifyAuditTrail(ended.folder, { key: ended.key })).problem).toMatchObject({ what: 'edited', file: segment })
  })

  it('cost no more keys than groups have room there, whatever number a seal behind them claims', async () => {
    const { folder, key } = await cutAt(-2, 500, 100)
    const content = await readFile(join(folder, segment), 'latin1')
    const sealAt = content.lastIndexOf('{"group":')
    const far = content.slice(sealAt).replace(/"group":\d+/, '"group":90000000000')
    await writeFile(join(folder, segment), `${content.slice(0, sealAt)}${far.repeat(100)}`, 'latin1')
    expect(await verifyAuditTrail(folder, { key })).toMatchObject({ ok: true, unproven: [{ file: segment }] })
  })
})
