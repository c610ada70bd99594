import { cp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { jsonLinesFile } from '../file/file-sink.ts'
import { rotateAuditFolder } from '../file/rotate-audit-folder.ts'
import { canonicalLine } from '../record/canonical.ts'
import { holdAuditFolder, releaseAuditFolder } from '../retention/hold-audit-folder.ts'
import { pruneAuditFolder } from '../retention/prune-audit-folder.ts'
import { afterAllWritten, context, removeTestFolders, segmentsOf, type TestFolder, written } from '../testing/folders.ts'
import type { AuditVerification } from './audit-verification.ts'
import { verifyAuditTrail } from './verify-audit-trail.ts'

afterAll(removeTestFolders)

const verified = ({ folder, key, checkpoints }: TestFolder, more = {}): Promise<AuditVerification> =>
  verifyAuditTrail(folder, { key, checkpoint: checkpoints, ...more })
const prune = async ({ folder }: TestFolder): Promise<number> =>
  (await pruneAuditFolder(folder, { before: await afterAllWritten(), reason: 'retention' })).segments

async function addSegment({ folder, checkpoints }: TestFolder): Promise<void> {
  const sink = jsonLinesFile({ folder, checkpoints: { to: checkpoints } })
  await written(sink, 2)
  await sink.close?.(context)
}

/** What a writer of the folder can do: a folder of another trail says that the hold is over. */
async function pruneInSpite(made: TestFolder): Promise<void> {
  const other = await segmentsOf(1, 1)
  const { to } = await rotateAuditFolder(other.folder)
  const planted = join(made.folder, '9999-12-31')
  await cp(to, planted, { recursive: true })
  const [first = ''] = (await readFile(join(planted, 'index.jsonl'), 'utf8')).split('\n')
  const released = canonicalLine({ ...JSON.parse(first), step: 1, follows: undefined, hold: { isHeld: false, reason: 'over' } })
  await writeFile(join(planted, 'index.jsonl'), `${first}\n${released}`)
  expect(await prune(made)).toBeGreaterThan(0)
  await rm(planted, { recursive: true })
}

const underHold = [
  expect.objectContaining({ what: 'missing', file: 'index.jsonl', explanation: expect.stringContaining('under a legal hold') }),
]

describe('a removal under a legal hold', () => {
  it('is a problem, at its line', async () => {
    const made = await segmentsOf(2, 3)
    await holdAuditFolder(made.folder, { reason: 'case 4711' })
    await pruneInSpite(made)
    expect(await verified(made)).toMatchObject({ ok: false, problems: underHold })
  })

  it('is a problem, though a later folder was held, and though it was ended later', async () => {
    const made = await segmentsOf(2, 3)
    await rotateAuditFolder(made.folder)
    await addSegment(made)
    await holdAuditFolder(made.folder, { reason: 'case 4711' })
    await pruneInSpite(made)
    await releaseAuditFolder(made.folder, { reason: 'case 4711 is closed' })
    expect(await verified(made)).toMatchObject({ ok: false, problem: underHold[0] })
  })
})

describe('a removal is no problem', () => {
  it('before a hold, and after one that a later folder ended', async () => {
    const made = await segmentsOf(2, 3)
    expect(await prune(made)).toBe(2)
    await holdAuditFolder(made.folder, { reason: 'case 4711' })
    await addSegment(made)
    await rotateAuditFolder(made.folder)
    await addSegment(made)
    await releaseAuditFolder(made.folder, { reason: 'case 4711 is closed' })
    expect(await prune(made)).toBeGreaterThan(0)
    expect(await verified(made)).toMatchObject({ ok: true, problems: [] })
  })

  it('before a hold of a later folder, though the clock was set back in between', async () => {
    const made = await segmentsOf(2, 3)
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_600_000 })
    try {
      expect(await prune(made)).toBe(2)
    } finally {
      vi.useRealTimers()
    }
    await rotateAuditFolder(made.folder)
    await addSegment(made)
    await holdAuditFolder(made.folder, { reason: 'case 4711' })
    expect(await verified(made)).toMatchObject({ ok: true, problems: [] })
  })

  it('where the folder that ended the hold is not looked at', async () => {
    const made = await segmentsOf(2, 3)
    await holdAuditFolder(made.folder, { reason: 'case 4711' })
    const { to } = await rotateAuditFolder(made.folder)
    await addSegment(made)
    await releaseAuditFolder(made.folder, { reason: 'case 4711 is closed' })
    expect(await prune(made)).toBeGreaterThan(0)
    expect(await verified(made, { alone: true })).toMatchObject({ ok: true })
    await rm(to, { recursive: true })
    const { problems } = await verified(made)
    expect(problems.map(({ what, explanation }) => [what, explanation.includes('legal hold')])).toEqual([['missing', false]])
  })
})
