import { rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { advanceEpoch } from '../file/next-epoch.ts'
import { canonicalLine } from '../record/canonical.ts'
import { jsonLinesFile } from '../file/file-sink.ts'
import { parsedKey } from '../keys/key-chain.ts'
import { context, linesIn, removeTestFolders, sentTo, testFolder, type TestFolder, trailOf, written } from '../testing/folders.ts'
import type { AuditVerification } from './audit-verification.ts'
import { verifyAuditTrail } from './verify-audit-trail.ts'

afterEach(() => void vi.restoreAllMocks())
afterAll(removeTestFolders)

const segment = 'segment-00000001.jsonl'
const notSigned = { what: 'edited', file: 'checkpoints', line: 1, explanation: 'the checkpoint was not signed by this folder' }
const tooFar = { what: 'edited', file: 'checkpoints', line: 1, explanation: expect.stringContaining('the million keys') }

interface Checkpointed extends TestFolder {
  /** What the process sent, in its order. */
  readonly sent: readonly string[]
  readonly verified: (checkpoint: readonly string[]) => Promise<AuditVerification>
}

async function checkpointed(made: TestFolder): Promise<Checkpointed> {
  const sent = await sentTo(made.checkpoints)
  return { ...made, sent, verified: (checkpoint) => verifyAuditTrail(made.folder, { key: made.key, checkpoint }) }
}

const changed = (line: string | undefined, change: object): string => JSON.stringify({ ...JSON.parse(line ?? ''), ...change })
/** The line without its last lines. */
async function cutOff(path: string, lines: number): Promise<void> {
  const kept = (await linesIn(path)).slice(0, -lines)
  await writeFile(path, kept.map((line) => `${line}\n`).join(''))
}

describe('a checkpoint that nobody here signed', () => {
  const huge = Number.MAX_SAFE_INTEGER

  it.each<[string, object, object]>([
    ['a line of the index that is not there', { index: huge }, notSigned],
    ['another length', { bytes: huge }, notSigned],
    ['another number of records', { records: huge }, notSigned],
    ['another time', { time: huge }, notSigned],
    ['a group behind the end', { group: 99 }, notSigned],
    ['a group far behind the end', { group: 9_000_000 }, tooFar],
    ['the last group that there can be', { group: huge }, tooFar],
    ['a segment behind the end of the index', { step: 9 }, notSigned],
    ['a segment far behind the end of the index', { step: 9_000_000 }, tooFar],
    ['a step that opened no segment', { step: 2 }, notSigned],
    ['the last numbers that there can be', { group: huge, index: huge, step: huge }, tooFar],
  ])('is told as such, though it says that there was %s', async (_, change, problem) => {
    const { sent, verified } = await checkpointed(await trailOf(3))
    expect(await verified(sent)).toMatchObject({ ok: true })
    expect((await verified([changed(sent.at(-1), change)])).problem).toMatchObject(problem)
  })

  it('is told as such of a segment that was never used', async () => {
    const { sent, ...other } = await checkpointed(await trailOf(1))
    await expect(advanceEpoch(other.folder, { ended: [], open: () => Promise.reject(new RangeError('of the disk')) })).rejects.toThrow(
      'of the disk',
    )
    await advanceEpoch(other.folder, { ended: [] })
    expect(await other.verified(sent)).toMatchObject({ ok: true })
    expect((await other.verified([changed(sent[0], { step: 3 }), ...sent])).problem).toMatchObject(notSigned)
  })

  it('is passed over if it has half of a surrogate pair in it: nobody signs that', async () => {
    const { sent, verified } = await checkpointed(await trailOf(1))
    expect(await verified([changed(sent[0], { more: '\ud800' }), ...sent])).toMatchObject({ ok: true, records: 1 })
  })

  it('is passed over if it is as long as a book', async () => {
    const { sent, verified } = await checkpointed(await trailOf(1))
    expect(await verified([`checkpoint: "${'\\"'.repeat(10_000_000)}"`, ...sent])).toMatchObject({ ok: true, records: 1 })
  })
})

describe('a checkpoint that was signed', () => {
  it.each<[string, (line: string | undefined) => string[]]>([
    ['alone', () => []],
    ['beside a forged one of the group before', (line) => [changed(line, { group: 3 })]],
    ['beside a forged one of the same group', (line) => [changed(line, { time: 1 })]],
    ['beside a forged one that is out of reach', (line) => [changed(line, { group: Number.MAX_SAFE_INTEGER })]],
  ])('proves what was cut off a segment: %s', async (_, forged) => {
    const { folder, sent, verified } = await checkpointed(await trailOf(20))
    await truncate(join(folder, segment), (await linesIn(join(folder, segment))).slice(0, 6).join('\n').length + 1) // groups 0 to 2
    expect((await verified([...forged(sent.at(-1)), ...sent.slice(-1)])).problem).toMatchObject({
      what: 'truncated',
      file: segment,
      line: 7,
    })
  })

  it('proves that the segment is gone that was opened last, for which its process may have died too early', async () => {
    const { folder, key, checkpoints } = await testFolder()
    const sink = jsonLinesFile({ folder, checkpoints: { to: checkpoints } })
    await written(sink, 1)
    await expect.poll(() => sentTo(checkpoints)).not.toEqual([])
    const { sent, verified } = await checkpointed({ folder, key, checkpoints })
    await sink.close?.(context)
    await cutOff(join(folder, 'index.jsonl'), 1)
    await rm(join(folder, 'key.json'))
    await rm(join(folder, segment))
    expect((await verified(sent)).problem).toMatchObject({ what: 'missing', file: segment })
    expect((await verified([changed(sent[0], { time: 1 })])).problem).toMatchObject(notSigned)
  })

  it.each<[string, (line: string | undefined) => string[]]>([
    ['alone', () => []],
    ['beside a forged one of a step before', (line) => [changed(line, { step: 2 })]],
    ['beside a forged one of the same segment', (line) => [changed(line, { time: 1 })]],
    ['beside one that is out of reach', (line) => [changed(line, { step: Number.MAX_SAFE_INTEGER })]],
  ])('proves that the end of the index is gone, with the segment that it speaks of: %s', async (_, forged) => {
    const made = await trailOf(3)
    const sink = jsonLinesFile({ folder: made.folder, checkpoints: { to: made.checkpoints } })
    await written(sink, 9)
    await sink.close?.(context)
    const { folder, sent, verified } = await checkpointed(made)
    await cutOff(join(folder, 'index.jsonl'), 2)
    await rm(join(folder, 'segment-00000003.jsonl'))
    await rm(join(folder, 'key.json'))
    expect((await verified([...forged(sent.at(-1)), ...sent.slice(-1)])).problem).toMatchObject({
      what: 'truncated',
      file: 'index.jsonl',
      line: 4,
    })
  })

  it('proves that the line of the index is gone which says how its segment ended', async () => {
    const { folder, sent, verified } = await checkpointed(await trailOf(3))
    await cutOff(join(folder, 'index.jsonl'), 1)
    await rm(join(folder, 'key.json'))
    expect((await verified(sent.slice(-1))).problem).toMatchObject({ what: 'truncated', file: 'index.jsonl', line: 3 })
  })

  it('is found thousands of groups behind the end', async () => {
    const { folder, key, sent, verified } = await checkpointed(await trailOf(1))
    const { mac: _, ...state } = JSON.parse(changed(sent[0], { group: 5_000 })) // a line of ours
    let group = parsedKey(key).derived('next').derived('segment')
    for (let count = 0; count <= 5_000; count++) group = group.derived('next')
    const mac = group.mac('checkpoint', canonicalLine(state)).toString('base64url')
    expect((await verified([JSON.stringify({ ...state, mac })])).problem).toMatchObject({ what: 'truncated', file: segment })
    await rm(join(folder, segment))
    expect((await verified([JSON.stringify({ ...state, mac })])).problem).toMatchObject({ what: 'missing', file: segment })
  })
})

describe('a folder of checkpoints', () => {
  it('may have a link in it that leads nowhere', async () => {
    const { folder, key, checkpoints } = await trailOf(1)
    await symlink('nowhere', join(checkpoints, 'a-link'))
    expect(await verifyAuditTrail(folder, { key, checkpoint: checkpoints })).toMatchObject({ ok: true })
  })

  it('may have none of a folder in which no segment was ever used', async () => {
    const { folder, key } = await testFolder()
    await expect(advanceEpoch(folder, { ended: [], open: () => Promise.reject(new RangeError('of the disk')) })).rejects.toThrow(
      'of the disk',
    )
    await advanceEpoch(folder, { ended: [] })
    const unproven = [{ file: segment, lastLine: 0, torn: 0 }]
    expect(await verifyAuditTrail(folder, { key, checkpoint: [] })).toMatchObject({ ok: true, records: 0, unproven })
  })
})
