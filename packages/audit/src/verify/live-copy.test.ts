import { execFileSync } from 'node:child_process'
import { cp, mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { jsonLinesFile } from '../file/file-sink.ts'
import { recordsReport } from '../report/report.ts'
import { context, removeTestFolders, sentTo, testFolder, type TestFolder, written } from '../testing/folders.ts'
import { verifyAuditTrail } from './verify-audit-trail.ts'

afterAll(removeTestFolders)

/** The commands of docs/compliance.md, for these folders; the last two are one. */
async function commands({ folder, checkpoints }: TestFolder): Promise<readonly string[]> {
  const document = await readFile(new URL('../../../../docs/compliance.md', import.meta.url), 'utf8')
  const [block = ''] = /^mkdir -p copy[^`]*/m.exec(document) ?? []
  const lines = block.trim().replaceAll('/mnt/append-only/checkpoints', checkpoints).replaceAll('/var/lib/app/audit', folder).split('\n')
  return [...lines.slice(0, -2), lines.slice(-2).join('\n')]
}

/** A process that starts, writes and ends: two lines of the index, and a segment. */
async function process(folder: string, checkpoints: string): Promise<void> {
  const sink = jsonLinesFile({ folder, checkpoints: { to: checkpoints } })
  await written(sink, 3)
  await sink.close?.(context)
}

it('a copy in the order that the document gives is as it was written, whatever processes do in between', async () => {
  const made = await testFolder()
  const { folder, checkpoints, key } = made
  const running = jsonLinesFile({ folder, checkpoints: { to: checkpoints } })
  await written(running, 1)
  await process(folder, checkpoints)
  const parent = join(folder, '..')
  for (const command of await commands(made)) {
    execFileSync('sh', ['-c', command], { cwd: parent })
    await written(running, 5)
    await process(folder, checkpoints)
  }
  await running.close?.(context)
  const copy = join(parent, 'copy')
  const { ok, problem, segments } = await verifyAuditTrail(join(copy, 'audit'), { key, checkpoint: join(copy, 'checkpoints') })
  expect([ok, problem, segments.length]).toEqual([true, undefined, 4]) // of the one that runs, and of those before the copy of the index
})

describe('a plain copy, made in any order while processes write,', () => {
  it.each([
    ['index.jsonl', 'key.json', 'segments'],
    ['segments', 'index.jsonl', 'key.json'],
    ['segments', 'key.json', 'index.jsonl'],
    ['key.json', 'segments', 'index.jsonl'],
    ['index.jsonl', 'segments', 'key.json'],
  ])('is verified, or said to look as such a copy does: %s, %s, %s', async (...order) => {
    const { folder, checkpoints, key } = await testFolder()
    const running = jsonLinesFile({ folder, checkpoints: { to: checkpoints } })
    await written(running, 3)
    const copy = join(folder, '..', 'copy')
    await mkdir(copy)
    for (const name of order) {
      const names = name === 'segments' ? (await readdir(folder)).filter((each) => /^segment-.*jsonl$/.test(each)) : [name]
      for (const each of names) await cp(join(folder, each), join(copy, each))
      await written(running, 3)
      await process(folder, checkpoints)
    }
    await running.close?.(context)
    const { ok, problems } = await verifyAuditTrail(copy, { key, checkpoint: checkpoints })
    expect(ok).toBe(false) // the checkpoints are younger
    expect(problems.map(({ mayBeCopy, explanation }) => [mayBeCopy, explanation])).toEqual(
      problems.map(({ explanation }) => [true, explanation]),
    )
    const report = recordsReport([], { format: 'text', verification: await verifyAuditTrail(copy, { key, checkpoint: checkpoints }) })
    expect(report).toContain('A copy that was made while the service wrote looks so')
  })

  it('is not taken for an excuse where an older segment is gone', async () => {
    const { folder, checkpoints, key } = await testFolder()
    for (let run = 0; run < 3; run++) await process(folder, checkpoints)
    await rm(join(folder, 'segment-00000003.jsonl'))
    expect((await verifyAuditTrail(folder, { key })).problem).not.toHaveProperty('mayBeCopy')
  })
})

it('a segment that is younger than the index beside it may be added, or copied too late, and the problem says so', async () => {
  const { folder, checkpoints, key } = await testFolder()
  await process(folder, checkpoints)
  const copy = join(folder, '..', 'copy')
  await cp(folder, copy, { recursive: true })
  await process(folder, checkpoints)
  await cp(join(folder, 'segment-00000003.jsonl'), join(copy, 'segment-00000003.jsonl'))
  expect((await verifyAuditTrail(copy, { key })).problem).toMatchObject({
    what: 'inserted',
    file: 'segment-00000003.jsonl',
    explanation: 'no line of the index opened this segment: it was added, or copied later than the index',
  })
})

it('a copy without the key is proven until its newest checkpoint', async () => {
  const { folder, checkpoints, key } = await testFolder()
  const before = Date.now()
  await process(folder, checkpoints)
  const copy = join(folder, '..', 'copy')
  await cp(folder, copy, { recursive: true, filter: (path) => !path.endsWith('key.json') })
  const { isIndexWhole, checkpoints: compared, provenUntil } = await verifyAuditTrail(copy, { key, checkpoint: checkpoints })
  expect([isIndexWhole, Number(compared?.newest) >= before, provenUntil]).toEqual([false, true, compared?.newest])
  expect((await verifyAuditTrail(copy, { key })).checkpoints).toBeUndefined()
  const outside = await verifyAuditTrail(copy, { key, checkpoint: checkpoints, segments: { first: 9 } })
  expect(outside.checkpoints?.newest).toBeUndefined()
})

it('is proven only until the last checkpoint of the process that was idle longest', async () => {
  const { folder, checkpoints, key } = await testFolder()
  const idle = jsonLinesFile({ folder, checkpoints: { to: checkpoints, everyMs: 1 } })
  await written(idle, 2)
  await expect.poll(async () => (await sentTo(checkpoints)).at(-1)).toContain('"records":2') // its last checkpoint
  const { provenUntil: before } = await verifyAuditTrail(folder, { key, checkpoint: checkpoints })
  await process(folder, checkpoints)
  const { provenUntil, checkpoints: compared } = await verifyAuditTrail(folder, { key, checkpoint: checkpoints })
  expect([provenUntil, Number(compared?.newest) > Number(before)]).toEqual([before, true])
  await idle.close?.(context)
})
