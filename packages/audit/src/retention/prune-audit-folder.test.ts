import { generateKeyPairSync } from 'node:crypto'
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { context, removeTestFolders, segmentsOf, sentTo, type TestFolder, written } from '../testing/folders.ts'
import { rewritten } from '../testing/forger.ts'
import type { AuditVerification } from '../verify/audit-verification.ts'
import type { VerifyAuditOptions } from '../verify/verify-options.ts'
import { verifyAuditTrail } from '../verify/verify-audit-trail.ts'
import { jsonLinesFile } from '../file/file-sink.ts'
import { type CheckpointState, checkpointLine } from '../format/checkpoint-line.ts'
import { parsedKey } from '../keys/key-chain.ts'
import { rotateAuditFolder } from '../file/rotate-audit-folder.ts'
import { holdAuditFolder, releaseAuditFolder } from './hold-audit-folder.ts'
import { pruneAuditFolder, type PruneAuditOptions } from './prune-audit-folder.ts'

afterAll(removeTestFolders)

const [dayMs, startOfYear, reason] = [86_400_000, Date.UTC(2026, 0, 1), 'retention of 30 days']
const { privateKey: signingKey, publicKey: pruneKey } = generateKeyPairSync('ed25519')

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: startOfYear }))
afterEach(() => void vi.useRealTimers())

/** Three segments of five records, a day apart; then a month later. */
async function oldTrail(): Promise<TestFolder & { readonly cutoff: number }> {
  const made = await segmentsOf(1, 5)
  for (let day = 1; day < 3; day++) {
    vi.setSystemTime(startOfYear + day * dayMs)
    await addSegment(made)
  }
  const cutoff = startOfYear + 2 * dayMs
  vi.setSystemTime(startOfYear + 31 * dayMs)
  return { ...made, cutoff }
}

async function addSegment({ folder, checkpoints }: TestFolder): Promise<void> {
  const sink = jsonLinesFile({ folder, checkpoints: { to: checkpoints } })
  await written(sink, 5)
  await sink.close?.(context)
}

async function verified({ folder, key, checkpoints }: TestFolder, more: Partial<VerifyAuditOptions> = {}): Promise<AuditVerification> {
  return verifyAuditTrail(folder, { key, checkpoint: checkpoints, ...more })
}

async function segmentNames(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name.startsWith('segment-')).toSorted()
}

/** The first of them begins with another letter. */
function withOtherMac(text: string): string {
  return text.replace(/"mac":"(.)/, (_, first) => `"mac":"${first === '_' ? '-' : '_'}`)
}

describe('pruning a folder', () => {
  it('removes the segments that ended before the time, and the trail still verifies', async () => {
    const trail = await oldTrail()
    const report = await pruneAuditFolder(trail.folder, { before: trail.cutoff, reason })
    expect(report).toEqual({ segments: 2, records: 10, files: 2, kept: [] })
    expect(await segmentNames(trail.folder)).toHaveLength(1)
    const { ok, records, pruned, missing } = await verified(trail)
    expect({ ok, records, missing }).toEqual({ ok: true, records: 5, missing: 0 })
    expect(pruned).toEqual([{ time: Date.now(), endedBefore: trail.cutoff, reason, segments: 2, records: 10, isSigned: false }])
  })

  it('leaves a folder that verifies when a segment is brought back from an archive, compressed or not', async () => {
    const trail = await oldTrail()
    const archive = join(trail.folder, '..', 'archive')
    await cp(trail.folder, archive, { recursive: true })
    const [first = '', second = ''] = await segmentNames(archive)
    await pruneAuditFolder(trail.folder, { before: trail.cutoff, reason })
    await cp(join(archive, first), join(trail.folder, first))
    await writeFile(join(trail.folder, `${second}.gz`), gzipSync(await readFile(join(archive, second))))
    expect(await verified(trail)).toMatchObject({ ok: true, records: 15, pruned: [{ segments: 2 }] })
  })

  it('finds a segment that was altered before it was brought back', async () => {
    const trail = await oldTrail()
    const [first = ''] = await segmentNames(trail.folder)
    const text = await readFile(join(trail.folder, first), 'utf8')
    await pruneAuditFolder(trail.folder, { before: trail.cutoff, reason })
    await writeFile(join(trail.folder, first), text.replace('secret-0', 'secret-9'))
    expect((await verified(trail)).problem).toMatchObject({ what: 'edited', segment: 1 })
  })

  it('does not excuse a segment that somebody removed before', async () => {
    const trail = await oldTrail()
    const [first = ''] = await segmentNames(trail.folder)
    await rm(join(trail.folder, first))
    expect(await pruneAuditFolder(trail.folder, { before: trail.cutoff, reason })).toEqual({
      segments: 1,
      records: 5,
      files: 1,
      kept: ['1'],
    })
    expect(await verified(trail)).toMatchObject({ ok: false, missing: 5, problem: { what: 'missing', segment: 1 } })
  })

  it('keeps a segment that was altered, for the auditor', async () => {
    const trail = await oldTrail()
    const [first = ''] = await segmentNames(trail.folder)
    const path = join(trail.folder, first)
    await writeFile(path, withOtherMac(await readFile(path, 'utf8')))
    expect((await pruneAuditFolder(trail.folder, { before: trail.cutoff, reason })).kept).toEqual(['1'])
    expect((await verified(trail)).problems).toEqual([expect.objectContaining({ segment: 1 })])
  })

  it('does not excuse a segment that somebody removes afterwards', async () => {
    const trail = await oldTrail()
    await pruneAuditFolder(trail.folder, { before: trail.cutoff, reason })
    const [last = ''] = await segmentNames(trail.folder)
    await rm(join(trail.folder, last))
    expect((await verified(trail)).problem).toMatchObject({ what: 'missing', file: last })
  })

  it('finishes in the next run what was interrupted behind the mark', async () => {
    const trail = await oldTrail()
    const copy = join(trail.folder, '..', 'copy')
    await cp(trail.folder, copy, { recursive: true })
    await pruneAuditFolder(trail.folder, { before: trail.cutoff, reason })
    for (const name of await segmentNames(copy)) await cp(join(copy, name), join(trail.folder, name)) // as before the first removal
    expect(await verified(trail)).toMatchObject({ ok: true, records: 15 })
    expect(await pruneAuditFolder(trail.folder, { before: trail.cutoff, reason })).toEqual({ segments: 0, records: 0, files: 2, kept: [] })
    expect(await verified(trail)).toMatchObject({ ok: true, records: 5, pruned: [{ segments: 2 }] })
  })

  it('writes no mark when nothing is old enough', async () => {
    const trail = await oldTrail()
    const before = await readFile(join(trail.folder, 'index.jsonl'))
    expect(await pruneAuditFolder(trail.folder, { before: startOfYear, reason })).toMatchObject({ segments: 0, files: 0 })
    expect(await readFile(join(trail.folder, 'index.jsonl'))).toEqual(before)
  })

  it('goes on, again and again, beside a process that writes', async () => {
    const trail = await oldTrail()
    const sink = jsonLinesFile({ folder: trail.folder, checkpoints: { to: trail.checkpoints } })
    await written(sink, 3)
    for (const days of [1, 2, 3]) await pruneAuditFolder(trail.folder, { before: startOfYear + days * dayMs, reason })
    await written(sink, 3)
    await sink.close?.(context)
    expect(await verified(trail)).toMatchObject({ ok: true, records: 6, unproven: [], pruned: [{}, {}, {}] })
  })

  it('removes nothing that a living process writes, however old it is', async () => {
    const trail = await oldTrail()
    const sink = jsonLinesFile({ folder: trail.folder })
    await written(sink, 3)
    vi.setSystemTime(startOfYear + 300 * dayMs)
    await pruneAuditFolder(trail.folder, { before: Date.now(), reason, acceptGap: true })
    await written(sink, 3)
    await sink.close?.(context)
    expect(await verified(trail)).toMatchObject({ ok: true, records: 6 })
  })
})

describe('checkpoints of a segment that was removed', () => {
  /** A pruned trail, and a checkpoint of its first segment as the folder would have signed it. */
  async function prunedTrail(): Promise<{ readonly trail: TestFolder; readonly sign: (more: Partial<CheckpointState>) => string }> {
    const trail = await oldTrail()
    const sent = (await sentTo(trail.checkpoints)).map((line) => JSON.parse(line) as CheckpointState & { readonly mac: string })
    const { mac: _, ...last } = sent.findLast(({ step }) => step === 1) ?? sent[0] ?? {}
    await pruneAuditFolder(trail.folder, { before: trail.cutoff, reason })
    const sign = (more: Partial<CheckpointState>): string => {
      const state = { ...(last as CheckpointState), ...more }
      return checkpointLine(
        state,
        parsedKey(trail.key)
          .later(1)
          .derived('segment')
          .later(state.group + 1),
        undefined,
      )
    }
    return { trail, sign }
  }

  const found = async ({ folder, key }: TestFolder, checkpoint: string): Promise<unknown> =>
    (await verifyAuditTrail(folder, { key, checkpoint: [checkpoint] })).problems.map(({ what, segment, file }) => [what, segment ?? file])

  it('are compared with what the index says of its end', async () => {
    const { trail, sign } = await prunedTrail()
    expect(await found(trail, sign({}))).toEqual([])
    for (const more of [{ records: 4 }, { bytes: 1 }, { seals: Buffer.alloc(32).toString('base64url') }])
      expect(await found(trail, sign(more)), JSON.stringify(more)).toEqual([['edited', 1]])
  })

  it('show that it was longer than the index says, or that the index was', async () => {
    const { trail, sign } = await prunedTrail()
    const { group } = JSON.parse(sign({})) as CheckpointState
    expect(await found(trail, sign({ group: group + 3, records: 9 }))).toEqual([['edited', 1]])
    expect(await found(trail, sign({ index: 99 }))).toEqual([['truncated', 'index.jsonl']])
    expect(await found(trail, sign({ head: Buffer.alloc(32).toString('base64url') }))).toEqual([['edited', 'index.jsonl']])
  })

  it('that the folder did not sign are a problem, also one that is too far away', async () => {
    const { trail, sign } = await prunedTrail()
    const forged = withOtherMac(sign({}))
    expect(await found(trail, forged)).toEqual([['edited', 'checkpoints']])
    expect(await found(trail, sign({}).replace(/"group":\d+/, '"group":9000000'))).toEqual([['edited', 'checkpoints']])
  })
})

describe('the time of a segment', () => {
  it('is never before that of a line above: records that are dated back are not removed for their age', async () => {
    const trail = await oldTrail()
    vi.setSystemTime(startOfYear) // as whoever took over the host can
    await addSegment(trail)
    vi.setSystemTime(startOfYear + 32 * dayMs)
    await addSegment(trail)
    const report = await pruneAuditFolder(trail.folder, { before: trail.cutoff, reason, signingKey })
    expect(report).toMatchObject({ segments: 2, records: 10 })
    expect(await verified(trail, { pruneKey })).toMatchObject({ ok: true, records: 15, missing: 0, pruned: [{ records: 10 }] })
  })

  it('is not taken from a line above that a wrong clock dated later than the removal', async () => {
    const trail = await segmentsOf(1, 5)
    vi.setSystemTime(startOfYear + 3_000 * dayMs)
    await addSegment(trail)
    vi.setSystemTime(startOfYear + dayMs)
    await addSegment(trail)
    vi.setSystemTime(startOfYear + 31 * dayMs)
    expect(await pruneAuditFolder(trail.folder, { before: startOfYear + 30 * dayMs, reason })).toMatchObject({ segments: 2, records: 10 })
    expect(await verified(trail)).toMatchObject({ ok: true, records: 5, pruned: [{ segments: 2 }] })
  })
})

describe('a clock that is ahead', () => {
  it.each([
    ['when a trail is pruned', 0],
    ['since before a service wrote again', 1],
  ])('%s, removes nothing', async (_, segmentsSince) => {
    const trail = await oldTrail()
    await addSegment(trail)
    vi.setSystemTime(startOfYear + 900 * dayMs)
    for (let more = 0; more < segmentsSince; more++) await addSegment(trail)
    const names = await readdir(trail.folder)
    const order = { before: Date.now() - 400 * dayMs, reason }
    await expect(pruneAuditFolder(trail.folder, order)).rejects.toMatchObject({
      code: 'CONFIGURATION',
      message: expect.stringContaining('869 days'),
      remedy: expect.stringContaining('acceptGap'),
    })
    expect(await readdir(trail.folder)).toEqual(names)
    expect(await pruneAuditFolder(trail.folder, { ...order, acceptGap: true })).toMatchObject({ segments: 4 })
  })

  it('by a month at most is not noticed', async () => {
    const trail = await oldTrail()
    vi.setSystemTime(startOfYear + (2 + 31) * dayMs)
    expect(await pruneAuditFolder(trail.folder, { before: trail.cutoff, reason })).toMatchObject({ segments: 2 })
  })
})

describe('a trail of several folders', () => {
  async function rotated(): Promise<TestFolder & { readonly cutoff: number }> {
    const trail = await oldTrail()
    await rotateAuditFolder(trail.folder)
    await addSegment(trail)
    vi.setSystemTime(startOfYear + 50 * dayMs)
    await addSegment(trail)
    return trail
  }

  it('is pruned in each of them', async () => {
    const trail = await rotated()
    const before = startOfYear + 40 * dayMs
    expect(await pruneAuditFolder(trail.folder, { before, reason })).toEqual({ segments: 4, records: 20, files: 4, kept: [] })
    expect(await verified(trail)).toMatchObject({ ok: true, records: 5, pruned: [{ segments: 3 }, { segments: 1 }] })
  })

  it('names with its folder a segment that stays', async () => {
    const trail = await rotated()
    await rm(join(trail.folder, '2026-02-01', 'segment-00000001.jsonl'))
    const before = startOfYear + 40 * dayMs
    expect((await pruneAuditFolder(trail.folder, { before, reason })).kept).toEqual(['2026-02-01/1'])
  })

  it('is under a hold that began before it was rotated, until that is released', async () => {
    const trail = await oldTrail()
    await holdAuditFolder(trail.folder, { reason: 'case 4711' })
    await rotateAuditFolder(trail.folder)
    const prune = () => pruneAuditFolder(trail.folder, { before: trail.cutoff, reason })
    await expect(prune()).rejects.toMatchObject({ code: 'CONFIGURATION', message: expect.stringContaining('legal hold') })
    await releaseAuditFolder(trail.folder, { reason: 'closed' })
    expect(await prune()).toMatchObject({ segments: 2 })
    expect((await verified(trail)).holds.map(({ isHeld }) => isHeld)).toEqual([true, false])
  })

  it('is held in the folder in which it goes on, and released there once', async () => {
    const trail = await rotated()
    const release = (): Promise<unknown> => releaseAuditFolder(trail.folder, { reason: 'closed' })
    await holdAuditFolder(trail.folder, { reason: 'case 4711' })
    await rotateAuditFolder(trail.folder)
    await release()
    await expect(release()).rejects.toMatchObject({ code: 'CONFIGURATION', message: expect.stringContaining('under no legal hold') })
    expect((await verified(trail)).holds.map(({ isHeld }) => isHeld)).toEqual([true, false])
  })

  it('is held and pruned by the name of its first folder alone', async () => {
    const trail = await rotated()
    const within = join(trail.folder, '2026-02-01')
    await expect(pruneAuditFolder(within, { before: trail.cutoff, reason })).rejects.toMatchObject({ code: 'CONFIGURATION' })
    await expect(holdAuditFolder(within, { reason })).rejects.toMatchObject({ code: 'CONFIGURATION' })
  })
})

describe('the signature of a removal', () => {
  it('shows that the holder of the key ordered it', async () => {
    const trail = await oldTrail()
    await pruneAuditFolder(trail.folder, { before: trail.cutoff, reason, signingKey })
    expect(await verified(trail, { pruneKey })).toMatchObject({ ok: true, pruned: [{ isSigned: true }] })
  })

  it.each([
    ['none', undefined],
    ['one of another key', generateKeyPairSync('ed25519').privateKey],
  ])('is demanded with `pruneKey`: with %s the segments are missing', async (_, key) => {
    const trail = await oldTrail()
    await pruneAuditFolder(trail.folder, { before: trail.cutoff, reason, signingKey: key })
    const { ok, missing, problem, pruned } = await verified(trail, { pruneKey })
    expect({ ok, missing, pruned }).toEqual({ ok: false, missing: 10, pruned: [] })
    expect(problem?.explanation).toContain('not signed with the private key of `pruneKey`')
  })

  it('fits no other line, even for a holder of the auditor’s key', async () => {
    const trail = await oldTrail()
    await pruneAuditFolder(trail.folder, { before: trail.cutoff, reason, signingKey })
    await rewritten(trail.folder, trail.key, {
      entry: (entry) => (entry.pruned === undefined ? entry : { ...entry, pruned: { ...entry.pruned, endedBefore: Date.now() } }),
    })
    const { problems } = await verifyAuditTrail(trail.folder, { key: trail.key, pruneKey })
    expect(problems[0]?.explanation).toContain('not signed')
  })
})

it('a mark that covers more than it says excuses no missing segment', async () => {
  const trail = await oldTrail()
  await pruneAuditFolder(trail.folder, { before: trail.cutoff, reason })
  await rewritten(trail.folder, trail.key, {
    entry: (entry) => (entry.pruned === undefined ? entry : { ...entry, pruned: { ...entry.pruned, endedBefore: Date.now() } }),
  })
  expect(await verifyAuditTrail(trail.folder, { key: trail.key })).toMatchObject({ ok: false, pruned: [] })
})

describe('a legal hold', () => {
  it('forbids pruning until it is released, and the verification tells both', async () => {
    const trail = await oldTrail()
    const prune = () => pruneAuditFolder(trail.folder, { before: trail.cutoff, reason })
    await holdAuditFolder(trail.folder, { reason: 'case 4711' })
    await expect(prune()).rejects.toMatchObject({ code: 'CONFIGURATION', message: expect.stringContaining('legal hold') })
    await releaseAuditFolder(trail.folder, { reason: 'closed' })
    expect(await prune()).toMatchObject({ segments: 2 })
    const time = Date.now()
    expect(await verified(trail)).toMatchObject({
      ok: true,
      holds: [
        { time, isHeld: true, reason: 'case 4711' },
        { time, isHeld: false, reason: 'closed' },
      ],
    })
  })

  it('that was set back with its folder is noticed, by the checkpoint of a process that started behind it', async () => {
    const trail = await oldTrail()
    const before = join(trail.folder, '..', 'before')
    await cp(trail.folder, before, { recursive: true })
    await holdAuditFolder(trail.folder, { reason: 'case 4711' })
    await addSegment(trail)
    await rm(trail.folder, { recursive: true })
    await cp(before, trail.folder, { recursive: true })
    expect((await verified(trail)).problem).toMatchObject({ what: 'truncated', file: 'index.jsonl' })
  })

  it('is ended only where there is one, so that no record tells of an end that was not', async () => {
    const trail = await oldTrail()
    const index = await readFile(join(trail.folder, 'index.jsonl'), 'utf8')
    const ending = async (): Promise<unknown> => releaseAuditFolder(trail.folder, { reason: 'closed' })
    await expect(ending()).rejects.toMatchObject({ code: 'CONFIGURATION', message: expect.stringContaining('under no legal hold') })
    expect(await readFile(join(trail.folder, 'index.jsonl'), 'utf8')).toBe(index)
    await holdAuditFolder(trail.folder, { reason: 'case 4711' })
    await ending()
    await expect(ending()).rejects.toMatchObject({ code: 'CONFIGURATION' })
  })

  it('that begins while a folder is pruned is obeyed', async () => {
    const trail = await oldTrail()
    const [pruned] = await Promise.allSettled([
      pruneAuditFolder(trail.folder, { before: trail.cutoff, reason }),
      holdAuditFolder(trail.folder, { reason: 'case 4711' }),
    ])
    const lines = (await readFile(join(trail.folder, 'index.jsonl'), 'utf8')).split('\n')
    const [heldAt, prunedAt] = ['"hold":', '"pruned":'].map((member) => lines.findIndex((line) => line.includes(member)))
    expect(pruned.status === 'rejected' ? prunedAt : (prunedAt ?? 0) < (heldAt ?? 0)).toBe(pruned.status === 'rejected' ? -1 : true)
  })
})

it.each<[string, Partial<PruneAuditOptions>]>([
  ['a time in the future', { before: startOfYear + dayMs * 100 }],
  ['no time', { before: Number.NaN }],
  ['a date as text', { before: '2026-01-01' as unknown as number }], // as from JavaScript
  ['an empty reason', { reason: ' ' }],
  ['a long reason', { reason: 'x'.repeat(1_001) }],
  ['half a surrogate pair', { reason: '\ud800' }],
  ['a key of another kind', { signingKey: generateKeyPairSync('x25519').privateKey }],
  ['a public key', { signingKey: pruneKey }],
  ['an unknown option', { until: 1 } as object],
])('refuses %s, and changes nothing', async (_, wrong) => {
  const trail = await oldTrail()
  const names = await readdir(trail.folder)
  await expect(pruneAuditFolder(trail.folder, { before: trail.cutoff, reason, ...wrong })).rejects.toMatchObject({ code: 'CONFIGURATION' })
  expect(await readdir(trail.folder)).toEqual(names)
})
