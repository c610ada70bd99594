// The recipe of docs/audit.md, with a folder in the place of a bucket.
import { cp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeEach, expect, it, vi } from 'vitest'
import { jsonLinesFile } from '../file/file-sink.ts'
import { rotateAuditFolder } from '../file/rotate-audit-folder.ts'
import { context, emptyFolder, removeTestFolders, type TestFolder, testFolder, written } from '../testing/folders.ts'
import type { AuditVerification } from '../verify/audit-verification.ts'
import { verifyAuditTrail } from '../verify/verify-audit-trail.ts'
import { pruneAuditFolder } from './prune-audit-folder.ts'

const dayMs = 86_400_000
const start = Date.UTC(2026, 0, 1)

afterAll(removeTestFolders)
beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: start }))
afterEach(() => void vi.useRealTimers())

async function day({ folder, checkpoints }: TestFolder, number: number): Promise<void> {
  vi.setSystemTime(start + number * dayMs)
  const sink = jsonLinesFile({ folder, checkpoints: { to: checkpoints } })
  await written(sink, 5)
  await sink.close?.(context)
}

/** What is uploaded stays, and a file of the same name is a further version of it. */
async function upload({ folder, checkpoints }: TestFolder, bucket: string): Promise<void> {
  await cp(checkpoints, join(bucket, 'checkpoints'), { recursive: true })
  await cp(folder, join(bucket, 'audit'), { recursive: true, filter: (path) => !/key\.json|\.lock/.test(path) })
}

const verified = (key: string, parent: string): Promise<AuditVerification> =>
  verifyAuditTrail(join(parent, 'audit'), { key, checkpoint: join(parent, 'checkpoints') })

it('an archive has all records of a trail that was pruned and rotated, and verifies by its last index', async () => {
  const [trail, bucket] = [await testFolder(), await emptyFolder()]
  for (const number of [0, 1, 2]) await day(trail, number)
  await upload(trail, bucket)
  await pruneAuditFolder(trail.folder, { before: start + 2 * dayMs, reason: 'retention' })
  await rotateAuditFolder(trail.folder)
  await day(trail, 3)
  await upload(trail, bucket)
  expect(await verified(trail.key, bucket)).toMatchObject({ ok: true, records: 20, unproven: [], pruned: [{ segments: 2 }] })
  expect(await verifyAuditTrail(trail.folder, { key: trail.key, checkpoint: trail.checkpoints })).toMatchObject({ ok: true, records: 10 })
})

it('segments that were pruned verify again where they are brought back, as they were or compressed, and are pruned again', async () => {
  const [trail, bucket] = [await testFolder(), await emptyFolder()]
  for (const number of [0, 1, 2, 3]) await day(trail, number)
  await upload(trail, bucket)
  const order = { before: start + 3 * dayMs, reason: 'retention' }
  await pruneAuditFolder(trail.folder, order)
  await cp(join(bucket, 'audit', 'segment-00000001.jsonl'), join(trail.folder, 'segment-00000001.jsonl'))
  const second = await readFile(join(bucket, 'audit', 'segment-00000003.jsonl'))
  await writeFile(join(trail.folder, 'segment-00000003.jsonl.gz'), gzipSync(second))
  const options = { key: trail.key, checkpoint: trail.checkpoints }
  expect(await verifyAuditTrail(trail.folder, options)).toMatchObject({ ok: true, records: 15, unproven: [], foreign: [] })
  expect(await pruneAuditFolder(trail.folder, order)).toMatchObject({ segments: 0, files: 2 })
  expect(await verifyAuditTrail(trail.folder, options)).toMatchObject({ ok: true, records: 5 })
})

it('a folder that was moved to an archive verifies there alone, is missing meanwhile, and completes the trail again', async () => {
  const [trail, bucket] = [await testFolder(), await emptyFolder()]
  await day(trail, 0)
  for (const number of [1, 2]) {
    await rotateAuditFolder(trail.folder)
    await day(trail, number)
  }
  const [name = ''] = (await readdir(trail.folder)).filter((each) => each.startsWith('2026-'))
  const archived = join(bucket, name)
  await rename(join(trail.folder, name), archived)
  const checkpoint = join(trail.checkpoints, name)
  expect(await verifyAuditTrail(archived, { key: trail.key, checkpoint })).toMatchObject({ ok: true, records: 5, unproven: [] })
  const options = { key: trail.key, checkpoint: trail.checkpoints }
  expect((await verifyAuditTrail(trail.folder, options)).problems).toMatchObject([{ what: 'missing', file: name }])
  await cp(archived, join(trail.folder, name), { recursive: true })
  expect(await verifyAuditTrail(trail.folder, options)).toMatchObject({ ok: true, records: 15, folders: [{}, {}, {}] })
})

it('an archive without its index, or with an older one, says what is not there', async () => {
  const [trail, bucket] = [await testFolder(), await emptyFolder()]
  await day(trail, 0)
  await upload(trail, bucket)
  const older = await readFile(join(bucket, 'audit', 'index.jsonl'))
  await day(trail, 1)
  await upload(trail, bucket)
  await writeFile(join(bucket, 'audit', 'index.jsonl'), older)
  expect((await verified(trail.key, bucket)).problems.map(({ what }) => what)).toEqual(expect.arrayContaining(['truncated', 'inserted']))
  await rm(join(bucket, 'audit', 'index.jsonl'))
  expect((await verified(trail.key, bucket)).problem).toMatchObject({ what: 'missing', file: 'index.jsonl' })
})
