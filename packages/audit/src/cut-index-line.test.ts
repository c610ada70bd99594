import { appendFile, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { takeStep } from './audit-folder.ts'
import { jsonLinesFile } from './json-lines-file.ts'
import { fileHandle } from './testing/file-handles.ts'
import { context, linesIn, removeTestFolders, testFolder, trailOf, written } from './testing/folders.ts'
import { verifyAuditTrail } from './verify-audit-trail.ts'

afterAll(removeTestFolders)

const indexOf = (folder: string): string => join(folder, 'index.jsonl')
const lastLine = async (folder: string): Promise<string> => (await linesIn(indexOf(folder))).at(-1) ?? ''

describe('bytes at the end of the index that are no line', () => {
  it('are told, and no problem: a process may have died while it wrote them', async () => {
    const { folder, key } = await trailOf(1)
    const { length } = await linesIn(indexOf(folder))
    expect((await verifyAuditTrail(folder, { key })).cutIndexLines).toEqual([])
    await appendFile(indexOf(folder), 'anything')
    expect(await verifyAuditTrail(folder, { key })).toMatchObject({
      ok: true,
      records: 1,
      cutIndexLines: [{ line: length + 1, bytes: 8, isRecorded: false }],
    })
  })

  it('are recorded by the process that comes next, in the line that it writes in their place', async () => {
    const { folder, key } = await trailOf(1)
    const { length } = await linesIn(indexOf(folder))
    await appendFile(indexOf(folder), 'anything')
    const next = jsonLinesFile({ folder })
    await written(next, 1)
    await next.close?.(context)
    expect(await readFile(indexOf(folder), 'utf8')).not.toContain('anything')
    expect(await verifyAuditTrail(folder, { key })).toMatchObject({
      ok: true,
      records: 2,
      unproven: [],
      cutIndexLines: [{ line: length + 1, bytes: 8, isRecorded: true }],
    })
  })

  it('are told wherever the line was cut off', async () => {
    const { folder, key } = await testFolder()
    await takeStep(folder, { ended: [] })
    const before = { index: await readFile(indexOf(folder)), key: await readFile(join(folder, 'key.json')) }
    await takeStep(folder, { ended: [] })
    const whole = await readFile(indexOf(folder))
    for (let bytes = 1; bytes < whole.length - before.index.length; bytes += 13) {
      await writeFile(indexOf(folder), whole.subarray(0, before.index.length + bytes))
      await writeFile(join(folder, 'key.json'), before.key)
      const found = { line: 3, bytes, isRecorded: false }
      expect(await verifyAuditTrail(folder, { key })).toMatchObject({ ok: true, cutIndexLines: [found] })
      await takeStep(folder, { ended: [] })
      expect(JSON.parse(await lastLine(folder))).toMatchObject({ step: 2, cut: bytes })
      expect(await verifyAuditTrail(folder, { key })).toMatchObject({ ok: true, cutIndexLines: [{ ...found, isRecorded: true }] })
    }
  })

  it('are no problem where a process puts its line in their place under the reader', async () => {
    const { folder, key } = await testFolder()
    await appendFile(indexOf(folder), 'anything')
    const handles = await fileHandle()
    const { read } = handles
    const reads = vi.spyOn(handles, 'read').mockImplementationOnce(read)
    reads.mockImplementationOnce(async function (this: unknown, ...args: unknown[]) {
      await takeStep(folder, { ended: [] })
      return Reflect.apply(read, this, args)
    })
    const verification = await verifyAuditTrail(folder, { key })
    reads.mockRestore()
    expect(verification).toMatchObject({ ok: true, cutIndexLines: [{ line: 2, bytes: 8, isRecorded: true }] })
  })

  it('are a problem where the step of the line was finished', async () => {
    const { folder, key } = await trailOf(1)
    await truncate(indexOf(folder), (await readFile(indexOf(folder))).length - 1)
    expect((await verifyAuditTrail(folder, { key })).problem).toMatchObject({ what: 'truncated', file: 'index.jsonl' })
  })

  it('are a problem if they are more than any process leaves, and nobody goes on behind them', async () => {
    const { folder, key } = await trailOf(1)
    const { length } = await linesIn(indexOf(folder))
    await appendFile(indexOf(folder), 'x'.repeat(64 * 1024 + 1))
    const { size, ...problem } = { size: (await readFile(indexOf(folder))).length, what: 'inserted', line: length + 1 }
    expect((await verifyAuditTrail(folder, { key })).problem).toMatchObject(problem)
    await expect(takeStep(folder, { ended: [] })).rejects.toMatchObject({ code: 'INTEGRITY' })
    expect((await readFile(indexOf(folder))).length).toBe(size)
  })
})

describe('the record of a cut line', () => {
  it('cannot be taken out of its line', async () => {
    const { folder, key } = await trailOf(1)
    await appendFile(indexOf(folder), 'anything')
    await takeStep(folder, { ended: [] })
    const text = await readFile(indexOf(folder), 'utf8')
    await writeFile(indexOf(folder), text.replace('"cut":8,', ''))
    expect((await verifyAuditTrail(folder, { key })).problem).toMatchObject({ what: 'edited', file: 'index.jsonl' })
  })
})

describe('bytes between lines of the index that are no line', () => {
  it('are found, however many they are and wherever they end', async () => {
    const { folder, key } = await trailOf(1)
    const [first = '', ...rest] = await linesIn(indexOf(folder))
    const read = 256 * 1024 // as much as is read at once
    for (const bytes of [1_000, read, 5 * read - 1, 5 * read, 6 * read]) {
      const text = `${first}\n${'x'.repeat(bytes - first.length - 1)}`
      await writeFile(indexOf(folder), [text, ...rest.map((line) => `${line}\n`)].join(''))
      expect((await verifyAuditTrail(folder, { key })).problem).toMatchObject({ file: 'index.jsonl', line: 2 })
    }
  })
})
