import { type ChildProcess, spawn } from 'node:child_process'
import { appendFile, readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { FileLock } from '../file/file-lock.ts'
import { jsonLinesFile } from '../file/file-sink.ts'
import { advanceEpoch } from '../file/next-epoch.ts'
import { rotateAuditFolder } from '../file/rotate-audit-folder.ts'
import { inForce } from '../format/legal-holds.ts'
import { verificationSentences } from '../report/verification-summary.ts'
import { afterAllWritten, context, event, removeTestFolders, segmentsOf, type TestFolder, written } from '../testing/folders.ts'
import { auditTrail } from '../trail/audit-trail.ts'
import type { AuditVerification } from '../verify/audit-verification.ts'
import { verifyAuditTrail } from '../verify/verify-audit-trail.ts'
import { eraseAuditNames } from './erase-audit-names.ts'
import { holdAuditFolder, releaseAuditFolder } from './hold-audit-folder.ts'
import { pruneAuditFolder } from './prune-audit-folder.ts'

afterAll(removeTestFolders)

const [one, other, third] = ['case 4711', 'audit of 2026', 'case 4712']
const alice = 'alice@example.com'

const verified = ({ folder, key, checkpoints }: TestFolder): Promise<AuditVerification> =>
  verifyAuditTrail(folder, { key, checkpoint: checkpoints })
const prune = async ({ folder }: TestFolder): Promise<number> =>
  (await pruneAuditFolder(folder, { before: await afterAllWritten(), reason: 'retention' })).files
const reasons = (holds: readonly { readonly reason: string }[]): readonly string[] => holds.map(({ reason }) => reason)
const segmentsIn = async (folder: string): Promise<readonly string[]> =>
  (await readdir(folder, { recursive: true })).filter((name) => /segment-\d+\.jsonl$/.test(name)).toSorted()

async function addSegment({ folder, checkpoints }: TestFolder): Promise<void> {
  const sink = jsonLinesFile({ folder, checkpoints: { to: checkpoints } })
  await written(sink, 1)
  await sink.close?.(context)
}

/** A trail with one sealed name. */
async function trailOfAlice(): Promise<TestFolder & { readonly file: string }> {
  const made = await segmentsOf(1, 1)
  const file = join(dirname(made.folder), 'names.key')
  const trail = auditTrail({ sinks: [jsonLinesFile({ folder: made.folder })], sealNames: { file } })
  await trail.record({ ...event, actor: alice }, context)
  await trail.close?.(context)
  return { ...made, file }
}

function operating(operation: string, folder: string, ...rest: readonly string[]): ChildProcess & { readonly said: Promise<string> } {
  const program = join(import.meta.dirname, '../testing/retention-process.ts')
  const args = ['--conditions=@finchat/source', program, operation, folder, ...rest]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const said =
    child.stdout === null ? Promise.reject(new Error('no output')) : text(child.stdout).then((all) => all.trim().split('\n').at(-1) ?? '')
  return Object.assign(child, { said })
}

describe('several legal holds', () => {
  it('are ended each by its own release, and nothing is pruned before the last', async () => {
    const made = await segmentsOf(2, 2)
    expect(reasons(await holdAuditFolder(made.folder, { reason: one }))).toEqual([one])
    await rotateAuditFolder(made.folder)
    expect(reasons(await holdAuditFolder(made.folder, { reason: other }))).toEqual([one, other])
    expect(reasons(await releaseAuditFolder(made.folder, { hold: one, reason: 'closed' }))).toEqual([other])
    await expect(prune(made)).rejects.toMatchObject({ code: 'CONFIGURATION', message: expect.stringContaining(`"${other}"`) })
    expect(reasons((await verified(made)).holdsInForce)).toEqual([other])
    expect(reasons(await releaseAuditFolder(made.folder, { reason: 'closed, too' }))).toEqual([])
    expect(await prune(made)).toBe(2)
    expect(await verified(made)).toMatchObject({ ok: true, holdsInForce: [], holds: [{}, {}, { ends: one }, { ends: other }] })
  })

  it('are one if they have one reason: beginning it again records nothing', async () => {
    const made = await segmentsOf(1, 2)
    await holdAuditFolder(made.folder, { reason: one })
    const index = await readFile(join(made.folder, 'index.jsonl'), 'utf8')
    expect(reasons(await holdAuditFolder(made.folder, { reason: one }))).toEqual([one])
    expect(await readFile(join(made.folder, 'index.jsonl'), 'utf8')).toBe(index)
    expect(reasons(await releaseAuditFolder(made.folder, { reason: 'closed' }))).toEqual([])
  })

  it.each<[string, object, string]>([
    ['without a name', {}, `pass one of "${one}", "${other}" as \`hold\``],
    ['by a name that is none of them', { hold: third }, `pass one of "${one}", "${other}" as \`hold\``],
    ['by what is no text', { hold: 1 }, 'pass a string'],
  ])('are not ended %s, and nothing is recorded', async (_, wrong, remedy) => {
    const made = await segmentsOf(1, 2)
    for (const reason of [one, other]) await holdAuditFolder(made.folder, { reason })
    const index = await readFile(join(made.folder, 'index.jsonl'), 'utf8')
    const released = releaseAuditFolder(made.folder, { reason: 'closed', ...wrong })
    await expect(released).rejects.toMatchObject({ code: 'CONFIGURATION', remedy: expect.stringContaining(remedy) })
    expect(await readFile(join(made.folder, 'index.jsonl'), 'utf8')).toBe(index)
  })

  it('are listed in a report, and each end says what it ended', async () => {
    const made = await segmentsOf(1, 2)
    for (const reason of [one, other, third]) await holdAuditFolder(made.folder, { reason })
    await releaseAuditFolder(made.folder, { hold: other, reason: 'reported' })
    const said = verificationSentences(await verified(made)).filter((sentence) => sentence.includes('legal hold'))
    expect(said.map((sentence) => sentence.replaceAll(/ \d{4}-\d\d-\d\d \d\d:\d\d UTC/g, ''))).toEqual([
      `Under a legal hold since: "${one}".`,
      `Under a legal hold since: "${third}".`,
      expect.stringMatching(`^A legal hold since, "${other}", was ended at: "reported"\\.`),
    ])
  })

  it('end all at once by a line of an earlier release, which named none', async () => {
    const made = await segmentsOf(1, 2)
    for (const reason of [one, other]) await holdAuditFolder(made.folder, { reason })
    await advanceEpoch(made.folder, { ended: [], mark: () => ({ hold: { isHeld: false, reason: 'over' } }) })
    const verification = await verified(made)
    expect(verification).toMatchObject({ ok: true, holdsInForce: [] })
    const said = verificationSentences(verification).join('\n')
    expect(said).toMatch(new RegExp(`2 legal holds, since .* "${one}", and since .* "${other}", were ended`))
    expect(await prune(made)).toBe(1)
  })

  it('are in force from their first beginning to their own end, whatever the order', () => {
    const change = fc.record({ isHeld: fc.boolean(), at: fc.nat({ max: 3 }) })
    fc.assert(
      fc.property(fc.array(change, { maxLength: 20 }), (orders) => {
        const expected = new Map<string, number>()
        const changes = orders.map(({ isHeld, at }, time) => {
          const name = `hold ${at}`
          if (isHeld && !expected.has(name)) expected.set(name, time)
          if (!isHeld) expected.delete(name)
          return isHeld ? { time, isHeld, reason: name } : { time, isHeld, reason: 'closed', ends: name }
        })
        expect(inForce(changes).map(({ time }) => time)).toEqual([...expected.values()])
      }),
    )
  })
})

describe('a legal hold', () => {
  it('waits for files that are being removed', async () => {
    const made = await segmentsOf(1, 1)
    const removing = await FileLock.take(join(made.folder, 'removal.lock'), { patienceMs: 1_000 })
    let isAcknowledged = false
    const holding = holdAuditFolder(made.folder, { reason: one }).then(() => (isAcknowledged = true))
    await sleep(200)
    expect(isAcknowledged).toBe(false)
    removing.release()
    expect(await holding).toBe(true)
  })

  it('stops a removal that recorded what it removes, before its next files', async () => {
    const made = await segmentsOf(3, 1)
    const removing = await FileLock.take(join(made.folder, 'removal.lock'), { patienceMs: 1_000 })
    const pruning = operating('prune', made.folder)
    while (!(await readFile(join(made.folder, 'index.jsonl'), 'utf8')).includes('"pruned":')) await sleep(5)
    const holding = operating('hold', made.folder, one)
    while (!(await readFile(join(made.folder, 'index.jsonl'), 'utf8')).includes('"hold":')) await sleep(5)
    removing.release()
    expect([await pruning.said, await holding.said]).toEqual(['CONFIGURATION', 'fulfilled'])
    expect(await segmentsIn(made.folder)).toHaveLength(3)
    expect(await verified(made)).toMatchObject({ ok: true, records: 3 })
    await releaseAuditFolder(made.folder, { reason: 'closed' })
    expect(await prune(made)).toBe(3)
    expect(await verified(made)).toMatchObject({ ok: true })
  })

  it('stops an erasure that found its names, before it records and overwrites them', async () => {
    const made = await trailOfAlice()
    const names = await readFile(made.file)
    const removing = await FileLock.take(join(made.folder, 'removal.lock'), { patienceMs: 1_000 })
    const erasing = operating('erase', made.folder, made.file, alice)
    await sleep(600)
    const holding = operating('hold', made.folder, one)
    while (!(await readFile(join(made.folder, 'index.jsonl'), 'utf8')).includes('"hold":')) await sleep(5)
    removing.release()
    expect([await erasing.said, await holding.said]).toEqual(['CONFIGURATION', 'fulfilled'])
    expect(await readFile(made.file)).toEqual(names)
    expect(await verified(made)).toMatchObject({ ok: true, erasures: [] })
  })

  it('of another process is obeyed from its answer on, whenever it comes, in each folder of the trail', { timeout: 60_000 }, async () => {
    const made = await segmentsOf(70, 1)
    await rotateAuditFolder(made.folder)
    for (let run = 0; run < 10; run++) await addSegment(made)
    await afterAllWritten()
    for (const laterMs of [0, 120, 180, 240, 300]) {
      const pruning = operating('prune', made.folder)
      await sleep(laterMs)
      await holdAuditFolder(made.folder, { reason: one })
      const left = await segmentsIn(made.folder)
      await pruning.said
      expect(await segmentsIn(made.folder)).toEqual(left)
      expect(await verified(made)).toMatchObject({ ok: true })
      await releaseAuditFolder(made.folder, { reason: 'closed' })
      for (let run = 0; run < 3; run++) await addSegment(made)
    }
  })

  it('says how many files went before it, if it began while others were removed', async () => {
    const made = await segmentsOf(70, 1)
    const pruning = prune(made)
    while ((await segmentsIn(made.folder)).length === 70) await sleep(0)
    const [refused] = await Promise.allSettled([pruning, holdAuditFolder(made.folder, { reason: one })])
    const message = refused.status === 'rejected' ? String(refused.reason) : `pruned ${refused.value} files`
    expect(message).toMatch(/began after 64 files were removed|pruned 70 files/)
  })

  it('makes an erasure of names a problem, as it does a removal', async () => {
    const made = await trailOfAlice()
    await holdAuditFolder(made.folder, { reason: one })
    await advanceEpoch(made.folder, { ended: [], mark: () => ({ erased: { pseudonyms: ['AAAA'], reason: 'request 17' } }) })
    const explanation = 'names were erased under a legal hold'
    expect((await verified(made)).problems).toMatchObject([{ what: 'missing', file: 'index.jsonl', explanation }])
  })

  it('leaves an erasure before it and after its end alone', async () => {
    const made = await trailOfAlice()
    await eraseAuditNames(made.folder, { file: made.file, names: [alice], reason: 'request 17' })
    await holdAuditFolder(made.folder, { reason: one })
    await releaseAuditFolder(made.folder, { reason: 'closed' })
    await advanceEpoch(made.folder, { ended: [], mark: () => ({ erased: { pseudonyms: ['AAAA'], reason: 'request 18' } }) })
    expect(await verified(made)).toMatchObject({ ok: true, erasures: [{}, {}] })
  })

  it('is found by a process that read the index while its line was half written', async () => {
    const made = await segmentsOf(1, 1)
    await appendFile(join(made.folder, 'index.jsonl'), '{"before":')
    expect(reasons(await holdAuditFolder(made.folder, { reason: one }))).toEqual([one])
    expect(await verified(made)).toMatchObject({ ok: true, holdsInForce: [{ reason: one }] })
  })
})
