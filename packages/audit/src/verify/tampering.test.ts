import { cp, mkdtemp, readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { AuditProblem } from './audit-problem.ts'
import { auditTrail } from '../trail/audit-trail.ts'
import { canonicalLine } from '../record/canonical.ts'
import { jsonLinesFile } from '../file/file-sink.ts'
import { type ChainKey, parsedKey, randomKey } from '../keys/key-chain.ts'
import { readKey } from '../format/folder-key.ts'
import { context, event, linesIn, recordsIn, removeTestFolders, testFolder, type TestFolder, trailOf, written } from '../testing/folders.ts'
import { trialSink } from '../testing/trial-sink.ts'
import type { AuditVerification } from './audit-verification.ts'
import { verifyAuditTrail } from './verify-audit-trail.ts'

afterAll(removeTestFolders)

// Thousands of verifications.
vi.setConfig({ testTimeout: 240_000 })

const segment = (step: number): string => `segment-${String(step).padStart(8, '0')}.jsonl`
const isSeal = (line: string): boolean => line.includes('"kind":"seal"')

/** The lines of a trail, and where its groups begin and end, lines from 0. */
interface Trail extends TestFolder {
  readonly lines: readonly string[]
  readonly path: string
}

/** `written` repeats its groups every 208 records: each place in each group is there twice. */
const trailLength = process.env['THOROUGH'] ? 500 : 1000

let trail: Trail
beforeAll(async () => {
  const made = await trailOf(trailLength)
  const path = join(made.folder, segment(1))
  trail = { ...made, path, lines: await linesIn(path) }
})

/** The trail with other lines; it is put back with the next one. */
async function verified(lines: readonly string[], checkpoint?: string): Promise<AuditVerification> {
  await writeFile(trail.path, lines.map((line) => `${line}\n`).join(''))
  return verifyAuditTrail(trail.folder, { key: trail.key, checkpoint })
}

/** The first and last line, from 1, of the group in which the line with this index, from 0, stands. */
function groupOf(index: number): readonly [first: number, last: number] {
  const { lines } = trail
  let first = index
  while (first > 0 && !isSeal(lines[first - 1] ?? '')) first--
  const last = lines.findIndex((line, at) => at >= index && isSeal(line))
  return [first + 1, last + 1]
}

/** Found, and not beyond the group; one line where the record is alone. */
function expectLocated({ ok, problem }: AuditVerification, index: number): AuditProblem {
  const [first, last] = groupOf(index)
  expect([index, ok]).toEqual([index, false])
  if (problem === undefined) throw new Error('no problem was found')
  expect([problem.file, problem.line >= first, problem.lastLine <= last + 1]).toEqual([segment(1), true, true])
  return problem
}

/** Every record if `THOROUGH` is set; otherwise every 17th, a prime, so that all places in a group occur. */
const stride = process.env['THOROUGH'] ? 1 : 17

/** Prime to the twelve groups that are written in turn, so that each of their lengths is met. */
const sealStride = process.env['THOROUGH'] ? 1 : 5

/** The lines with records, by index from 0. */
const recordLines = (): number[] => [...trail.lines.keys()].filter((index) => (trail.lines[index] ?? '').includes('"seq":'))
const triedLines = (): number[] => recordLines().filter((_, at) => at % stride === 0)

describe(`a trail of ${trailLength} records`, () => {
  it('is as it was written', async () => {
    expect(await verified(trail.lines, trail.checkpoints)).toMatchObject({
      ok: true,
      records: trailLength,
      unproven: [],
      isIndexWhole: true,
    })
    expect(recordLines()).toHaveLength(trailLength)
  })

  it('gives away every edit of a record, in its group', async () => {
    for (const index of triedLines()) {
      const edited = trail.lines.with(index, (trail.lines[index] ?? '').replace('db/', 'dc/').replace('secret-', 'secreT-'))
      expect(expectLocated(await verified(edited), index).what).toBe('edited')
    }
  })

  it('gives away every deletion, at the record behind it or its group', async () => {
    for (const index of triedLines()) {
      const problem = expectLocated(await verified(trail.lines.toSpliced(index, 1)), index)
      expect(problem.what).toBe('missing')
    }
  })

  it('gives away every duplicate, at its line', async () => {
    for (const index of triedLines()) {
      const line = trail.lines[index] ?? ''
      const problem = expectLocated(await verified(trail.lines.toSpliced(index + 1, 0, line)), index)
      expect([problem.what, problem.line]).toEqual(['duplicated', index + 2])
    }
  })

  it('gives away every swap, at its line, also across a seal', async () => {
    const indexes = recordLines()
    for (const [at, index] of indexes.entries()) {
      const next = indexes[at + 1]
      if (next === undefined || at % stride > 0) continue
      const [one = '', other = ''] = [trail.lines[index], trail.lines[next]]
      const { what, line } = expectLocated(await verified(trail.lines.with(index, other).with(next, one)), index)
      const isFirst = groupOf(index)[0] === 3 // no number before it says which should come
      expect([what, line]).toEqual([isFirst ? 'edited' : 'reordered', index + 1])
    }
  })

  it('gives away every insertion, in its group', async () => {
    for (const index of triedLines()) {
      const stranger = (trail.lines[index] ?? '').replace(/"trail":"[^"]*"/, '"trail":"00000000-0000-4000-8000-000000000000"')
      const { what } = expectLocated(await verified(trail.lines.toSpliced(index, 0, stranger)), index)
      expect(what).toBe('inserted')
    }
  })

  it('gives away every edit, deletion and duplicate of a seal or the header', async () => {
    const seals = [...trail.lines.keys()].filter((index) => isSeal(trail.lines[index] ?? ''))
    for (const index of [0, ...seals.filter((_, at) => at % sealStride === 0)]) {
      const line = trail.lines[index] ?? ''
      for (const lines of [
        trail.lines.with(index, line.replace(/"mac":"./, '"mac":"#').replace('"host":"', '"host":"x')),
        trail.lines.with(index, `${line} `),
        trail.lines.toSpliced(index, 1),
        trail.lines.toSpliced(index, 0, line),
        trail.lines.toSpliced(index, 0, ''),
      ]) {
        const { ok, problem } = await verified(lines)
        expect([index, ok, problem?.file]).toEqual([index, false, segment(1)])
      }
    }
  })

  it('gives away groups that changed places, are gone, or stand there twice', async () => {
    const ends = [...trail.lines.keys()].filter((index) => isSeal(trail.lines[index] ?? ''))
    for (const [at, end] of ends.entries()) {
      const next = ends[at + 1]
      const begin = (ends[at - 1] ?? -1) + 1
      if (next === undefined || at === 0 || at % sealStride > 0) continue
      const [one, other] = [trail.lines.slice(begin, end + 1), trail.lines.slice(end + 1, next + 1)]
      const replaced = (by: readonly string[]): Promise<AuditVerification> =>
        verified(trail.lines.toSpliced(begin, next + 1 - begin, ...by))
      expect((await replaced([...other, ...one])).problem).toMatchObject({ what: 'reordered', line: begin + 1 })
      expect((await replaced(other)).problem).toMatchObject({ what: 'missing', line: begin + 1 })
      expect((await replaced([...one, ...one, ...other])).problem).toMatchObject({ what: 'duplicated', line: end + 2 })
    }
  })

  it('gives away every cut of its end, though nobody kept a checkpoint', async () => {
    for (let kept = 1; kept < trail.lines.length; kept += stride) {
      const { ok, problem } = await verified(trail.lines.slice(0, kept))
      expect([kept, ok, problem?.what, problem?.file]).toEqual([kept, false, 'truncated', segment(1)])
      expect(problem?.line).toBeLessThanOrEqual(kept + 1)
    }
  })

  it('gives away what was written behind its end', async () => {
    expect((await verified([...trail.lines, trail.lines[3] ?? ''])).problem).toMatchObject({
      what: 'inserted',
      line: trail.lines.length + 1,
    })
  })

  it('tells of another key', async () => {
    await verified(trail.lines)
    const other = await verifyAuditTrail(trail.folder, { key: randomKey().text().toString() })
    expect(other.problem).toMatchObject({ what: 'wrong key', file: 'index.jsonl', line: 1 })
    await expect(verifyAuditTrail(trail.folder, { key: 'audit-key:short' })).rejects.toMatchObject({ code: 'CONFIGURATION' })
    await expect(verifyAuditTrail(join(trail.folder, 'nowhere'), { key: trail.key })).rejects.toMatchObject({ code: 'AUDIT_FAILED' })
    await expect(verifyAuditTrail('', { key: trail.key })).rejects.toMatchObject({ code: 'CONFIGURATION' })
    const lost = verifyAuditTrail(trail.folder, { key: trail.key, checkpoint: join(trail.folder, 'nowhere') })
    await expect(lost).rejects.toThrow(/^the checkpoints are not where `checkpoint` says/)
  })
})

describe('the end of a segment that its process did not end', () => {
  it('is proven by checkpoints up to the last of them, wherever it is cut', async () => {
    const [made, worm] = [await testFolder(), trialSink('worm')]
    const sink = jsonLinesFile({ folder: made.folder, checkpoints: { to: worm, everyMs: 5 } })
    await written(sink, 60, 20)
    await vi.waitFor(() => expect(worm.records.at(-1)?.checkpoint).toContain('"records":60'), 20_000)
    const checkpoint = worm.records.map((record) => JSON.stringify(record))
    const copy = await mkdtemp(join(tmpdir(), 'audit-live-'))
    try {
      await cp(made.folder, copy, { recursive: true })
      const path = join(copy, segment(1))
      const content = await readFile(path)
      const whole = await verifyAuditTrail(copy, { key: made.key, checkpoint })
      expect(whole).toMatchObject({ ok: true, records: 60, unproven: [{ file: segment(1), provenUntil: expect.any(Number), torn: 0 }] })
      const whoSaysSo = /^a checkpoint says that the segment was longer: line \d+ of checkpoints$/
      for (let bytes = content.length - 1; bytes >= 0; bytes -= process.env['THOROUGH'] ? 97 : 397) {
        await truncate(path, bytes)
        const { ok, problem } = await verifyAuditTrail(copy, { key: made.key, checkpoint })
        expect([bytes, ok, problem?.what, problem?.explanation]).toEqual([bytes, false, 'truncated', expect.stringMatching(whoSaysSo)])
      }
    } finally {
      await rm(copy, { recursive: true })
      await sink.close?.(context)
    }
  })
})

/** Three segments: of three runs of one host. */
async function threeRuns(): Promise<TestFolder> {
  const made = await testFolder()
  for (let run = 0; run < 3; run++) {
    const sink = jsonLinesFile({ folder: made.folder, checkpoints: { to: made.checkpoints } })
    await written(sink, 20)
    await sink.close?.(context)
  }
  return made
}

describe('a folder of several segments', () => {
  // Each run takes two steps: it opens a segment, and says that it ended.
  const steps = [1, 3, 5]

  it.each(steps)('gives away that segment %i is gone', async (step) => {
    const { folder, key } = await threeRuns()
    await rm(join(folder, segment(step)))
    expect((await verifyAuditTrail(folder, { key })).problem).toMatchObject({ what: 'missing', file: segment(step) })
  })

  it.each(steps)('gives away that segment %i was put in the place of another folder', async (step) => {
    const [mine, other] = [await threeRuns(), await threeRuns()]
    await cp(join(other.folder, segment(step)), join(mine.folder, segment(step)))
    expect((await verifyAuditTrail(mine.folder, { key: mine.key })).problem).toMatchObject({ what: 'edited', file: segment(step), line: 1 })
  })

  it('gives away a segment that it did not open, and reads each by its header, whatever its name is', async () => {
    const { folder, key } = await threeRuns()
    const problemWith = async (change: () => Promise<unknown>, undo: () => Promise<unknown>): Promise<AuditProblem | undefined> => {
      await change()
      const { problem } = await verifyAuditTrail(folder, { key })
      await undo()
      return problem
    }
    const [extra, first, third] = [join(folder, 'extra.jsonl'), join(folder, segment(1)), join(folder, segment(3))]
    const swap = async (): Promise<void> => {
      await rename(first, extra)
      await rename(third, first)
      await rename(extra, third)
    }
    const beyond = (await readFile(third, 'utf8')).replace('"step":5', '"step":99').replace('"step":3', '"step":99')
    expect(
      await problemWith(
        () => writeFile(extra, beyond),
        () => rm(extra),
      ),
    ).toMatchObject({ what: 'inserted', file: 'extra.jsonl' })
    expect(await problemWith(swap, swap)).toBeUndefined() // names prove nothing, headers do
  })

  it('gives away that it is gone altogether', async () => {
    const { folder, key, checkpoints } = await threeRuns()
    await rm(join(folder, 'index.jsonl'))
    const { ok, problem } = await verifyAuditTrail(folder, { key, checkpoint: checkpoints })
    expect([ok, problem]).toEqual([false, expect.objectContaining({ what: 'missing', file: 'index.jsonl', line: 1 })])
  })

  it('gives away that the end of the index and its segments are gone', async () => {
    const { folder, key, checkpoints } = await threeRuns()
    const path = join(folder, 'index.jsonl')
    const index = await linesIn(path)
    await writeFile(
      path,
      index
        .slice(0, 5)
        .map((line) => `${line}\n`)
        .join(''),
    )
    await rm(join(folder, segment(5)))
    expect((await verifyAuditTrail(folder, { key })).problem).toMatchObject({ what: 'truncated', file: 'index.jsonl', line: 6 })
    await rm(join(folder, 'key.json'))
    expect((await verifyAuditTrail(folder, { key, checkpoint: checkpoints })).problem).toMatchObject({ what: 'truncated', line: 6 })
    expect(await verifyAuditTrail(folder, { key })).toMatchObject({ ok: true, isIndexWhole: false }) // nobody else can tell
  })

  it('gives away every edit, deletion, duplicate and swap of lines of the index', async () => {
    const { folder, key } = await threeRuns()
    const path = join(folder, 'index.jsonl')
    const index = await linesIn(path)
    const problemWith = async (lines: readonly string[]): Promise<AuditProblem | undefined> => {
      await writeFile(path, lines.map((line) => `${line}\n`).join(''))
      return (await verifyAuditTrail(folder, { key })).problem
    }
    for (const [at, line] of index.entries()) {
      expect(await problemWith(index.with(at, line.replace('"host":"', '"host":"x')))).toMatchObject({ file: 'index.jsonl', line: at + 1 })
      expect(await problemWith(index.with(at, line.replace('"host":"', '"host":"\\ud800')))).toMatchObject({ what: 'edited', line: at + 1 })
      expect(await problemWith(index.toSpliced(at, 1))).toMatchObject({ file: 'index.jsonl', line: at + 1 })
      expect(await problemWith(index.toSpliced(at, 0, line))).toMatchObject({ file: 'index.jsonl', line: at + 2 })
      expect(await problemWith(index.with(at, 'noise'))).toMatchObject({ what: 'edited', line: at + 1 })
    }
    expect(await problemWith(index)).toBeUndefined()
  })

  it('gives away a checkpoint that nobody here signed', async () => {
    const { folder, key, checkpoints } = await threeRuns()
    const [name = ''] = (await readdir(checkpoints)).toSorted()
    const [line = ''] = await linesIn(join(checkpoints, name))
    const forged = line.replace(/"records":\d+/, '"records":99')
    expect((await verifyAuditTrail(folder, { key, checkpoint: [forged] })).problem).toMatchObject({
      what: 'edited',
      file: 'checkpoints',
      line: 1,
    })
    expect(await verifyAuditTrail(folder, { key, checkpoint: ['noise', line] })).toMatchObject({ ok: true })
  })
})

describe('a whole folder that was put back to how it once was', () => {
  async function putBack(): Promise<TestFolder> {
    const { folder: live, key, checkpoints } = await threeRuns()
    const folder = join(live, '..', 'as-it-was')
    await cp(live, folder, { recursive: true })
    const sink = jsonLinesFile({ folder: live, checkpoints: { to: checkpoints } })
    await written(sink, 1)
    await sink.close?.(context)
    return { folder, key, checkpoints }
  }

  it('is given away by a checkpoint', async () => {
    const { folder, key, checkpoints } = await putBack()
    expect((await verifyAuditTrail(folder, { key, checkpoint: checkpoints })).problem).toMatchObject({
      what: 'truncated',
      explanation: expect.stringMatching(/^a checkpoint says that the index was longer: line 1 of checkpoints-.*\.jsonl$/),
    })
  })

  it('does not pass for verified where the checkpoints are gone, or those of another folder', async () => {
    const { folder, key } = await putBack()
    const { checkpoints: others } = await threeRuns()
    for (const checkpoint of [others, [], ['noise']]) {
      await expect(verifyAuditTrail(folder, { key, checkpoint })).rejects.toThrow(/^there is no checkpoint of this folder/)
    }
    expect(await verifyAuditTrail(folder, { key })).toMatchObject({ ok: true }) // as SECURITY.md says
  })
})

describe('whoever takes the host after a restart', () => {
  it('has no key that seals a record of an earlier group', async () => {
    const made = await testFolder()
    const before = jsonLinesFile({ folder: made.folder })
    await written(before, 30, 10)
    await before.close?.(context)
    const after = jsonLinesFile({ folder: made.folder })
    await written(after, 1)
    // All that lies on the host, and what can be made of it.
    let { key } = await readKey(made.folder)
    const keys = [key]
    for (let step = 0; step < 4; step++) {
      let group = key.derived('segment')
      for (let count = 0; count < 12; count++) keys.push((group = group.derived('next')))
      keys.push((key = key.derived('next')))
    }
    const opened = parsedKey(made.key).later(1).derived('segment')
    const path = join(made.folder, segment(1))
    const lines = await linesIn(path)
    const seals = [...lines.keys()].filter((index) => isSeal(lines[index] ?? ''))
    for (const [at, end] of seals.entries()) {
      const begin = (seals[at - 1] ?? -1) + 1
      const forged = lines
        .slice(begin, end)
        .map((line) => `${line.replace('secret-', 'other-').replace('"host":"', '"host":"x')}\n`)
        .join('')
      const { mac, ...seal } = JSON.parse(lines[end] ?? '') // a line of ours
      const macOf = (mine: ChainKey, text: string): string => mine.mac('seal', text, canonicalLine(seal)).toString('base64url')
      const group = lines
        .slice(begin, end)
        .map((line) => `${line}\n`)
        .join('')
      expect(macOf(opened.later(at), group)).toBe(mac)
      expect(keys.map((mine) => macOf(mine, group))).not.toContain(mac)
      // Each key is tried on some group, and each group with some key.
      for (const mine of keys.filter((_, index) => index % seals.length === at)) {
        const content = [
          ...lines.slice(0, begin).map((line) => `${line}\n`),
          forged,
          canonicalLine({ ...seal, mac: macOf(mine, forged) }),
          ...lines.slice(end + 1).map((line) => `${line}\n`),
        ]
        await writeFile(path, content.join(''))
        expect((await verifyAuditTrail(made.folder, { key: made.key })).ok).toBe(false)
      }
    }
    await writeFile(path, lines.map((line) => `${line}\n`).join(''))
    await after.close?.(context)
    expect(await verifyAuditTrail(made.folder, { key: made.key })).toMatchObject({ ok: true, records: 31 })
  })
})

describe('names that would forge', () => {
  const hostile = [
    'a\n{"seq":1}',
    '\r\n',
    '\u2028',
    '\ud800',
    '\u001b[2J\u001b[31m',
    'x'.repeat(10_240),
    '{"group":1,"kind":"seal"}',
    '\0',
    '"operation":"gap"',
  ]

  it('stand in one record each, and break no seal', async () => {
    const made = await testFolder()
    const sink = jsonLinesFile({ folder: made.folder })
    const audit = auditTrail({ sinks: [sink], sinkDeadlineMs: 60_000 })
    for (const name of hostile) await audit.record({ ...event, name, actor: name, requestId: name, operation: name }, context)
    await audit.close?.(context)
    expect(await verifyAuditTrail(made.folder, { key: made.key })).toMatchObject({ ok: true, records: hostile.length, missed: 0 })
    expect((await recordsIn(made.folder)).map(({ name }) => name)).toEqual(hostile.map((name) => name.toWellFormed()))
    expect(await readFile(join(made.folder, segment(1)), 'latin1')).not.toContain('\u001b')
  })
})
