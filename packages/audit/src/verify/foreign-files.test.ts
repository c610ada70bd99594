import { execFileSync } from 'node:child_process'
import { mkdir, readdir, rm, symlink } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { jsonLinesFile } from '../file/file-sink.ts'
import { context, removeTestFolders, testFolder, trailOf, written } from '../testing/folders.ts'
import { verifyAuditTrail } from './verify-audit-trail.ts'

afterAll(removeTestFolders)

const kinds: readonly (readonly [string, (path: string) => unknown])[] = [
  ['a pipe', (path) => void execFileSync('mkfifo', [path])],
  ['a folder', (path) => mkdir(path)],
  ['a link that leads nowhere', (path) => symlink('nowhere', path)],
  ['a link that leads to itself', (path) => symlink(basename(path), path)],
]

describe('what is no file', () => {
  it.each(kinds)('is named among the segments, and never opened: %s', async (_, make) => {
    const { folder, key } = await trailOf(1)
    await make(join(folder, 'foreign.jsonl'))
    const foreign = [{ file: 'foreign.jsonl', explanation: 'the file is not a segment' }]
    expect(await verifyAuditTrail(folder, { key })).toMatchObject({ ok: true, records: 1, foreign })
  })

  it.each(kinds)('is found under the name of a segment that was never opened, and never opened: %s', async (_, make) => {
    const { folder, key } = await trailOf(1)
    await make(join(folder, 'segment-00000007.jsonl'))
    const problem = { what: 'inserted', file: 'segment-00000007.jsonl' }
    expect(await verifyAuditTrail(folder, { key })).toMatchObject({ ok: false, problem, records: 1 })
  })

  it.each(kinds)('is found in the place of the index, and never opened: %s', async (_, make) => {
    const { folder, key } = await trailOf(1)
    await rm(join(folder, 'index.jsonl'))
    await make(join(folder, 'index.jsonl'))
    expect((await verifyAuditTrail(folder, { key })).problem).toMatchObject({ what: 'missing', file: 'index.jsonl' })
  })

  it.each(kinds)("is found in the place of the folder's key, and never opened: %s", async (_, make) => {
    const { folder, key } = await trailOf(1)
    await rm(join(folder, 'key.json'))
    await make(join(folder, 'key.json'))
    expect((await verifyAuditTrail(folder, { key })).problem).toMatchObject({ what: 'edited', file: 'key.json' })
  })

  it('is passed over among the checkpoints, where a mount has a folder of its own', async () => {
    const { folder, key, checkpoints } = await trailOf(1)
    await mkdir(join(checkpoints, 'lost+found'))
    expect(await verifyAuditTrail(folder, { key, checkpoint: checkpoints })).toMatchObject({ ok: true, records: 1 })
  })
})

it('the lock of a process that runs is no foreign file, with its journal', async () => {
  const { folder, key } = await testFolder()
  const sink = jsonLinesFile({ folder })
  await written(sink, 1)
  expect((await readdir(folder)).filter((name) => name.includes('.lock')).length).toBeGreaterThan(1)
  expect((await verifyAuditTrail(folder, { key })).foreign).toEqual([])
  await sink.close?.(context)
})
