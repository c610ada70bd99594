import { generateKeyPairSync } from 'node:crypto'
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { copyAuditTrail } from '../copy/copy-audit-trail.ts'
import { jsonLinesFile } from '../file/file-sink.ts'
import { rotateAuditFolder } from '../file/rotate-audit-folder.ts'
import { firstEntry } from '../format/first-entry.ts'
import { successorsIn } from '../format/index-marks.ts'
import { pruneAuditFolder } from '../retention/prune-audit-folder.ts'
import { verificationSentences, verificationSeverity } from '../report/verification-summary.ts'
import {
  afterAllWritten,
  context,
  emptyFolder,
  removeTestFolders,
  segmentsOf,
  type TestFolder,
  testFolder,
  written,
} from '../testing/folders.ts'
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

/** Rotated so often, with two records in each folder, and then set back to before all of that. */
async function setBackPast(rotations: number): Promise<TestFolder> {
  const made = await segmentsOf(1, 3)
  await cp(made.folder, `${made.folder}-before`, { recursive: true })
  for (let one = 0; one < rotations; one++) {
    await rotateAuditFolder(made.folder)
    await addSegment(made, 2)
  }
  await rm(made.folder, { recursive: true })
  await cp(`${made.folder}-before`, made.folder, { recursive: true })
  return made
}

/** The names of the later folders of which there are checkpoints, by age. */
async function laterNames({ checkpoints }: TestFolder): Promise<readonly string[]> {
  return successorsIn(await readdir(checkpoints))
}

describe('a trail that was set back past several rotations', () => {
  it.each([2, 3])('shows by the checkpoints of any one of %i later folders that it goes on', async (rotations) => {
    const made = await setBackPast(rotations)
    for (const kept of await laterNames(made)) {
      const place = join(await emptyFolder(), 'kept')
      await cp(made.checkpoints, place, { recursive: true })
      for (const name of await laterNames(made)) if (name !== kept) await rm(join(place, name), { recursive: true })
      expect(problemsOf(await verified(made, { checkpoint: place })), kept).toEqual([false, [['truncated', 'index.jsonl', 4]]])
      const lines = await allSent({ ...made, checkpoints: place })
      expect(problemsOf(await verified(made, { checkpoint: lines })), kept).toEqual([false, [['truncated', 'index.jsonl', 4]]])
    }
  })

  it('is said to have gone on once, whatever the number of the folders that are gone', async () => {
    const { problems } = await verified(await setBackPast(3))
    expect(problems.map(({ explanation }) => explanation)).toEqual([
      'checkpoints are there of a folder in which the trail went on here, and which is gone with its records',
      'checkpoints are there of 2 further folders in which the trail went on, and which are gone with their records',
    ])
  })

  it('shows it in a copy', async () => {
    const made = await setBackPast(2)
    const [first = ''] = await laterNames(made)
    await rm(join(made.checkpoints, first), { recursive: true })
    const target = join(await emptyFolder(), 'copy')
    await copyAuditTrail(made.folder, target, { checkpoints: made.checkpoints })
    const copied = { ...made, folder: join(target, 'audit'), checkpoints: join(target, 'checkpoints') }
    expect(problemsOf(await verified(copied))).toEqual([false, [['truncated', 'index.jsonl', 4]]])
  })

  it('shows it after old segments were pruned, and one was brought back from an archive', async () => {
    const made = await setBackPast(2)
    const [first = ''] = await laterNames(made)
    await rm(join(made.checkpoints, first), { recursive: true })
    const archive = `${made.folder}-archive`
    await cp(made.folder, archive, { recursive: true })
    const { segments } = await pruneAuditFolder(made.folder, { before: await afterAllWritten(), reason: 'retention' })
    const shown = [false, [['truncated', 'index.jsonl', 5]]]
    expect([segments, problemsOf(await verified(made))]).toEqual([1, shown])
    await cp(join(archive, 'segment-00000001.jsonl'), join(made.folder, 'segment-00000001.jsonl'))
    expect(problemsOf(await verified(made))).toEqual(shown)
  })

  it('counts checkpoints with the signature of `checkpointKey` alone', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519')
    const made = await setBackPast(2)
    const unsigned = await allSent({ ...made, checkpoints: join(made.checkpoints, (await laterNames(made))[1] ?? '') })
    const other = await testFolder()
    const sink = jsonLinesFile({ folder: other.folder, checkpoints: { to: other.checkpoints, signingKey: privateKey } })
    await written(sink, 1)
    await sink.close?.(context)
    const own = await allSent(other)
    const forged = unsigned.map((line) => line.replace(idOf(made), idOf(other)))
    const { folder, key } = other
    expect(await verifyAuditTrail(folder, { key, checkpoint: [...own, ...forged], checkpointKey: publicKey })).toMatchObject({ ok: true })
    expect(await verifyAuditTrail(folder, { key, checkpoint: [...own, ...forged] })).toMatchObject({ ok: false })
  })
})

describe('a folder that is gone, while the key of the one before it was set back to when it was made', () => {
  it.each(['is gone whole', 'has no first line any more'])('shows by its checkpoints that it was there: it %s', async (how) => {
    const made = await segmentsOf(1, 3)
    const keyBefore = await readFile(join(made.folder, 'key.json'))
    const { to } = await rotateAuditFolder(made.folder)
    await addSegment(made, 5)
    await rm(how === 'is gone whole' ? to : join(to, 'index.jsonl'), { recursive: true })
    await writeFile(join(made.folder, 'key.json'), keyBefore)
    const shown = [false, [['missing', basename(to), 1]]]
    expect(problemsOf(await verified(made))).toEqual(shown)
    expect(problemsOf(await verified(made, { checkpoint: await allSent(made) }))).toEqual(shown)
  })
})

describe('a folder in the middle of a trail', () => {
  it('is missing too if the one before it is gone, by the first line of a later one', async () => {
    const made = await segmentsOf(1, 3)
    for (let one = 0; one < 3; one++) {
      await rotateAuditFolder(made.folder)
      await addSegment(made, 2)
    }
    const [first = '', second = ''] = await laterNames(made)
    for (const name of [first, second]) await rm(join(made.folder, name), { recursive: true })
    expect(problemsOf(await verified(made))).toEqual([
      false,
      [
        ['missing', first, 1],
        ['missing', second, 1],
      ],
    ])
  })
})

describe('checkpoints that were exported before the trail went on in another folder', () => {
  it('verify it, and leave the end of that folder open', async () => {
    const made = await segmentsOf(1, 3)
    const exported = await allSent(made)
    await rotateAuditFolder(made.folder)
    await addSegment(made, 2)
    const [name = ''] = await laterNames(made)
    const found = await verified(made, { checkpoint: exported })
    expect([found.ok, found.records, verificationSeverity(found), found.provenUntil]).toEqual([true, 5, 'open', undefined])
    expect(found.unproven).toMatchObject([{ file: `${name}/index.jsonl`, lastLine: 3 }])
    expect(verificationSentences(found).join(' ')).toContain(`the end of ${name}/index.jsonl behind line 3, proven by no checkpoint`)
  })

  it('are refused if none is of any folder of the trail', async () => {
    const made = await segmentsOf(1, 3)
    await pruneAuditFolder(made.folder, { before: await afterAllWritten(), reason: 'retention' })
    await rotateAuditFolder(made.folder)
    await addSegment(made, 2)
    const checkpoint = await allSent(await segmentsOf(1, 1))
    await expect(verified(made, { checkpoint })).rejects.toMatchObject({ code: 'AUDIT_FAILED' })
  })
})

const idOf = ({ folder }: TestFolder): string => firstEntry(folder).folder

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
