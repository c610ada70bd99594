import { cp, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { jsonLinesFile } from '../file/file-sink.ts'
import { rotateAuditFolder } from '../file/rotate-audit-folder.ts'
import { context, removeTestFolders, segmentsOf, type TestFolder, written } from '../testing/folders.ts'
import type { AuditVerification } from './audit-verification.ts'
import { verifyAuditTrail } from './verify-audit-trail.ts'

afterAll(removeTestFolders)

const verified = ({ folder, key, checkpoints }: TestFolder, more = {}): Promise<AuditVerification> =>
  verifyAuditTrail(folder, { key, checkpoint: checkpoints, ...more })

async function addSegment({ folder, checkpoints }: TestFolder, records: number): Promise<void> {
  const sink = jsonLinesFile({ folder, checkpoints: { to: checkpoints } })
  await written(sink, records)
  await sink.close?.(context)
}

/** The checkpoints of all folders of a trail, as a log server has them. */
async function allSent({ checkpoints }: TestFolder): Promise<readonly string[]> {
  const files = (await readdir(checkpoints, { recursive: true })).filter((name) => name.endsWith('.jsonl'))
  const texts = await Promise.all(files.map((name) => readFile(join(checkpoints, name), 'utf8')))
  return texts.join('').trimEnd().split('\n')
}

/** Went on in another folder, with five records, and was then set back to before that. */
async function setBack(): Promise<TestFolder> {
  const made = await segmentsOf(1, 3)
  await cp(made.folder, `${made.folder}-before`, { recursive: true })
  await rotateAuditFolder(made.folder)
  await addSegment(made, 5)
  await rm(made.folder, { recursive: true })
  await cp(`${made.folder}-before`, made.folder, { recursive: true })
  return made
}

const problemsOf = ({ ok, problems }: AuditVerification): unknown => [ok, problems.map(({ what, file, line }) => [what, file, line])]

describe('a trail that was set back to before it went on in another folder', () => {
  it('shows that by the checkpoints of that folder', async () => {
    const made = await setBack()
    expect(problemsOf(await verified(made))).toEqual([false, [['truncated', 'index.jsonl', 4]]])
  })

  it('shows it where the checkpoints of all folders are in one place', async () => {
    const made = await setBack()
    expect(problemsOf(await verified(made, { checkpoint: await allSent(made) }))).toEqual([false, [['truncated', 'index.jsonl', 4]]])
  })

  it('shows two histories once it was written to, and went on in a folder of the same name', async () => {
    const made = await setBack()
    await addSegment(made, 2)
    const forked = [false, [['forked', 'index.jsonl', 4]]]
    expect(problemsOf(await verified(made))).toEqual(forked)
    await rotateAuditFolder(made.folder)
    await addSegment(made, 2)
    expect(problemsOf(await verified(made))).toEqual(forked)
  })

  it('shows it for a later folder, in that one', async () => {
    const made = await segmentsOf(1, 3)
    await rotateAuditFolder(made.folder)
    await addSegment(made, 1)
    await cp(made.folder, `${made.folder}-before`, { recursive: true })
    const { to } = await rotateAuditFolder(made.folder)
    await addSegment(made, 1)
    await rm(made.folder, { recursive: true })
    await cp(`${made.folder}-before`, made.folder, { recursive: true })
    const left = to.slice(made.folder.length + 1).replace(/-2$/, '')
    expect(problemsOf(await verified(made))).toEqual([false, [['truncated', `${left}/index.jsonl`, 4]]])
  })
})

describe('checkpoints of other trails in the same place', () => {
  it('are no problem, also of folders in which those go on', async () => {
    const made = await segmentsOf(1, 3)
    const other = await segmentsOf(1, 1)
    await rotateAuditFolder(other.folder)
    await addSegment(other, 2)
    await cp(other.checkpoints, made.checkpoints, { recursive: true })
    await cp(made.checkpoints, other.checkpoints, { recursive: true })
    expect(await verified(made)).toMatchObject({ ok: true, records: 3 })
    expect(await verified(other)).toMatchObject({ ok: true, records: 3 })
  })

  it('are no problem of a folder that is verified alone', async () => {
    const made = await segmentsOf(1, 3)
    await rotateAuditFolder(made.folder)
    await addSegment(made, 2)
    expect(await verified(made, { alone: true })).toMatchObject({ ok: true, records: 3 })
    expect(await verified(made, { alone: true, checkpoint: await allSent(made) })).toMatchObject({ ok: true, records: 3 })
  })
})
