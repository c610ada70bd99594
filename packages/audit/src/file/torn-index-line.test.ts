import { appendFile, cp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { advanceEpoch } from './next-epoch.ts'
import { initAuditFolder } from './init-audit-folder.ts'
import { jsonLinesFile } from './file-sink.ts'
import { failure, fileHandle } from '../testing/file-handles.ts'
import { context, linesIn, removeTestFolders, testFolder, trailOf, written } from '../testing/folders.ts'
import { verifyAuditTrail } from '../verify/verify-audit-trail.ts'

beforeEach(() => void vi.spyOn(process, 'emitWarning').mockReturnValue()) // of each outage that a test makes
afterEach(() => void vi.restoreAllMocks())
afterAll(removeTestFolders)

const indexOf = (folder: string): string => join(folder, 'index.jsonl')
const lastLine = async (folder: string): Promise<string> => (await linesIn(indexOf(folder))).at(-1) ?? ''

describe('bytes at the end of the index that are no line', () => {
  it('are told, and no problem: a process may have died while it wrote them', async () => {
    const { folder, key } = await trailOf(1)
    const { length } = await linesIn(indexOf(folder))
    expect((await verifyAuditTrail(folder, { key })).tornIndexLines).toEqual([])
    await appendFile(indexOf(folder), 'anything')
    expect(await verifyAuditTrail(folder, { key })).toMatchObject({
      ok: true,
      records: 1,
      tornIndexLines: [{ line: length + 1, bytes: 8, isRecorded: false }],
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
      tornIndexLines: [{ line: length + 1, bytes: 8, isRecorded: true }],
    })
  })

  it('are gone from the disk before the line is written: of a file that has a part of each, a power cut may leave a line that is neither', async () => {
    const { folder } = await testFolder()
    const before = await readFile(indexOf(folder), 'utf8')
    await appendFile(indexOf(folder), 'anything')
    const handles = await fileHandle()
    const { datasync } = handles
    const synced: string[] = []
    vi.spyOn(handles, 'datasync').mockImplementation(async function (this: unknown) {
      synced.push(await readFile(indexOf(folder), 'utf8'))
      return Reflect.apply(datasync, this, [])
    })
    await advanceEpoch(folder, { ended: [] })
    expect(synced.slice(0, 2)).toEqual([before, expect.stringContaining('"cut":8')])
  })

  it('are told wherever the line was cut off', async () => {
    const { folder, key } = await testFolder()
    await advanceEpoch(folder, { ended: [] })
    const before = { index: await readFile(indexOf(folder)), key: await readFile(join(folder, 'key.json')) }
    await advanceEpoch(folder, { ended: [] })
    const whole = await readFile(indexOf(folder))
    for (let bytes = 1; bytes < whole.length - before.index.length; bytes += 13) {
      await writeFile(indexOf(folder), whole.subarray(0, before.index.length + bytes))
      await writeFile(join(folder, 'key.json'), before.key)
      const found = { line: 3, bytes, isRecorded: false }
      expect(await verifyAuditTrail(folder, { key })).toMatchObject({ ok: true, tornIndexLines: [found] })
      await advanceEpoch(folder, { ended: [] })
      expect(JSON.parse(await lastLine(folder))).toMatchObject({ step: 2, cut: bytes })
      expect(await verifyAuditTrail(folder, { key })).toMatchObject({ ok: true, tornIndexLines: [{ ...found, isRecorded: true }] })
    }
  })

  it('are no problem where a process puts its line in their place under the reader', async () => {
    const { folder, key } = await testFolder()
    await appendFile(indexOf(folder), 'anything')
    const handles = await fileHandle()
    const { read } = handles
    const reads = vi.spyOn(handles, 'read').mockImplementationOnce(read)
    reads.mockImplementationOnce(async function (this: unknown, ...args: unknown[]) {
      await advanceEpoch(folder, { ended: [] })
      return Reflect.apply(read, this, args)
    })
    const verification = await verifyAuditTrail(folder, { key })
    reads.mockRestore()
    expect(verification).toMatchObject({ ok: true, tornIndexLines: [{ line: 2, bytes: 8, isRecorded: true }] })
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
    await expect(advanceEpoch(folder, { ended: [] })).rejects.toMatchObject({ code: 'INTEGRITY' })
    expect((await readFile(indexOf(folder))).length).toBe(size)
  })
})

describe('the record of a cut line', () => {
  it('cannot be taken out of its line', async () => {
    const { folder, key } = await trailOf(1)
    await appendFile(indexOf(folder), 'anything')
    await advanceEpoch(folder, { ended: [] })
    const text = await readFile(indexOf(folder), 'utf8')
    await writeFile(indexOf(folder), text.replace('"cut":8,', ''))
    expect((await verifyAuditTrail(folder, { key })).problem).toMatchObject({ what: 'edited', file: 'index.jsonl' })
  })
})

const behindLastLine: readonly (readonly [string, string])[] = [
  ['of another program', 'Nov 25 12:00:00 web-1 kernel: out of memory\n'],
  ['of JSON', '{"v":1,"step":3}\n[]\nnull\n'],
  ['without anything in them', '\n\n\n'],
  ['and half of one', 'noise\nnoi'],
  ['as many as a process may leave', `${'x'.repeat(64 * 1024 - 1)}\n`],
]

describe('whole lines at the end of the index that are no entries', () => {
  it.each(behindLastLine)(
    'are a problem until a process comes, which goes on and records how many bytes they were: %s',
    async (_, noise) => {
      const { folder, key } = await trailOf(1)
      const { length } = await linesIn(indexOf(folder))
      await appendFile(indexOf(folder), noise)
      expect((await verifyAuditTrail(folder, { key })).problem).toMatchObject({ what: 'edited', file: 'index.jsonl', line: length + 1 })
      const next = jsonLinesFile({ folder })
      await written(next, 1)
      await next.close?.(context)
      expect(await verifyAuditTrail(folder, { key })).toMatchObject({
        ok: true,
        records: 2,
        unproven: [],
        tornIndexLines: [{ line: length + 1, bytes: noise.length, isRecorded: true }],
      })
      const ours = ['index.jsonl', 'key.json', 'segment-00000001.jsonl', 'segment-00000003.jsonl']
      expect((await readdir(folder)).filter((name) => !name.endsWith('.lock'))).toEqual(ours)
    },
  )

  it('do not keep a step from being finished', async () => {
    const { folder, key } = await testFolder()
    await expect(advanceEpoch(folder, { ended: [], open: () => Promise.reject(failure('EIO')) })).rejects.toMatchObject({ code: 'EIO' })
    await appendFile(indexOf(folder), 'noise\n')
    await advanceEpoch(folder, { ended: [] })
    const ended = [{ step: 1, found: 'unused' }]
    expect(JSON.parse(await lastLine(folder))).toMatchObject({ step: 2, cut: 6, ended })
    expect(await verifyAuditTrail(folder, { key })).toMatchObject({ ok: true, tornIndexLines: [{ line: 3, bytes: 6, isRecorded: true }] })
  })
})

describe('a line at the end of the index of which a power cut left the second half', () => {
  const half = `${'\0'.repeat(4096)}"step":3,"time":1800000000000,"v":1}\n`

  it('is no problem where the key of the folder says that no step is missing, and is recorded by the process that comes next', async () => {
    const { folder, key } = await trailOf(1)
    const { length } = await linesIn(indexOf(folder))
    await appendFile(indexOf(folder), half)
    const found = { line: length + 1, bytes: half.length }
    expect(await verifyAuditTrail(folder, { key })).toMatchObject({ ok: true, tornIndexLines: [{ ...found, isRecorded: false }] })
    await advanceEpoch(folder, { ended: [] })
    expect(await verifyAuditTrail(folder, { key })).toMatchObject({ ok: true, tornIndexLines: [{ ...found, isRecorded: true }] })
  })

  it('is one in a copy without that key, and where it stands in the place of a line', async () => {
    const { folder, key } = await trailOf(1)
    const index = await readFile(indexOf(folder), 'utf8')
    const lastAt = index.lastIndexOf('\n', index.length - 2) + 1
    await writeFile(indexOf(folder), `${index.slice(0, lastAt)}\0${index.slice(lastAt + 1)}`)
    const edited = { what: 'edited', file: 'index.jsonl' }
    expect((await verifyAuditTrail(folder, { key })).problem).toMatchObject(edited)
    await writeFile(indexOf(folder), `${index}${half}`)
    await rm(join(folder, 'key.json'))
    expect((await verifyAuditTrail(folder, { key })).problem).toMatchObject(edited)
  })

  it('is one before another line', async () => {
    const { folder, key } = await trailOf(1)
    const index = await readFile(indexOf(folder), 'utf8')
    await writeFile(indexOf(folder), `${index}${half}${index}`)
    expect((await verifyAuditTrail(folder, { key })).problem).toMatchObject({ what: 'inserted', file: 'index.jsonl' })
  })
})

describe('an index that was changed', () => {
  const noise = 'x'.repeat(64 * 1024)
  const changes: readonly (readonly [string, (index: readonly string[]) => readonly string[]])[] = [
    ['in its last line', (index) => [...index.slice(0, -1), 'noise']],
    ['in a letter of its last line', (index) => [...index.slice(0, -1), (index.at(-1) ?? '').replace('"host":"', '"host":"\\ud800')]],
    ['by leaving out its last line', (index) => index.slice(0, -1)],
    ['by a forged line', (index) => [...index, (index.at(-1) ?? '').replace(/"step":(\d+)/g, (_, step) => `"step":${Number(step) + 1}`)]],
    ['by more lines than a process leaves', (index) => [...index, noise]],
    ['by nothing but other lines', () => [noise, noise, noise, noise, noise]],
  ]

  it.each(changes)('keeps every process from going on, and from touching it: %s', async (_, change) => {
    const { folder } = await trailOf(1)
    const changed = change(await linesIn(indexOf(folder))).map((line) => `${line}\n`)
    await writeFile(indexOf(folder), changed.join(''))
    const names = await readdir(folder)
    await expect(advanceEpoch(folder, { ended: [] })).rejects.toMatchObject({
      code: 'INTEGRITY',
      problem: `the index of the audit trail is not as it was left: ${JSON.stringify(folder)}`,
      remedy: 'keep the folder as it is, for the auditor; name a new one, made ready by initAuditFolder, and restart',
    })
    expect(await readFile(indexOf(folder), 'utf8')).toBe(changed.join(''))
    expect(await readdir(folder)).toEqual(names)
  })

  it('is evidence still, and work goes on, for whoever does what the error says', async () => {
    const { folder, key, checkpoints } = await trailOf(20)
    const forged = (await lastLine(folder)).replace('"step":2', '"step":3')
    await appendFile(indexOf(folder), `${forged}\n`)
    const refused = jsonLinesFile({ folder })
    await expect(written(refused, 1)).rejects.toThrow('keep the folder as it is')
    await refused.close?.(context)

    const fresh = join(folder, '..', 'trail-2')
    const { key: freshKey } = await initAuditFolder(fresh)
    const sink = jsonLinesFile({ folder: fresh })
    await written(sink, 1)
    await sink.close?.(context)
    expect(await verifyAuditTrail(fresh, { key: freshKey })).toMatchObject({ ok: true, records: 1, unproven: [] })

    const { problem } = await verifyAuditTrail(folder, { key, checkpoint: checkpoints })
    expect(problem).toMatchObject({ file: 'index.jsonl', line: 4 })
    const copy = join(folder, '..', 'copy')
    await cp(folder, copy, { recursive: true })
    await rm(join(copy, 'key.json'))
    const before = (await linesIn(indexOf(copy))).slice(0, (problem?.line ?? 0) - 1)
    await writeFile(indexOf(copy), before.map((line) => `${line}\n`).join(''))
    expect(await verifyAuditTrail(copy, { key, checkpoint: checkpoints })).toMatchObject({ ok: true, records: 20, unproven: [] })
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
