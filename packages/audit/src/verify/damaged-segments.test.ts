import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { AuditRecord } from '@finchat/secrets-core'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { advanceEpoch } from '../file/next-epoch.ts'
import type { AuditVerification } from './audit-verification.ts'
import { jsonLinesFile } from '../file/file-sink.ts'
import { verifiedTrail } from '../query/verified-trail.ts'
import { gathered } from '../testing/gathered.ts'
import { context, removeTestFolders, segmentsOf, testFolder, type TestFolder, written } from '../testing/folders.ts'
import { verifyAuditTrail } from './verify-audit-trail.ts'

vi.setConfig({ testTimeout: 240_000 })
afterAll(removeTestFolders)

const [count, recordsEach] = [12, 50]
/** Each process takes two steps: one opens its segment, one says that it ended. */
const steps = Array.from({ length: count }, (_, run) => 2 * run + 1)
const segment = (step: number): string => `segment-${String(step).padStart(8, '0')}.jsonl`

let made: TestFolder
let original: readonly AuditRecord[]
beforeAll(async () => {
  made = await segmentsOf(count, recordsEach)
  original = (await verifiedTrail(made.folder, { key: made.key }, gathered)).result
})

interface Found {
  readonly verification: AuditVerification
  readonly result: readonly AuditRecord[]
}

/** What is found in a copy of the folder that was changed. */
async function found(change: (folder: string) => Promise<unknown>, options: object = {}): Promise<Found> {
  const copy = join(made.folder, '..', 'copy')
  await rm(copy, { recursive: true, force: true })
  await cp(made.folder, copy, { recursive: true })
  await change(copy)
  return verifiedTrail(copy, { key: made.key, ...options }, gathered)
}

async function edited(path: string, edit: (content: Buffer) => Buffer): Promise<void> {
  await writeFile(path, edit(await readFile(path)))
}

const flipped = (content: Buffer, at: number): Buffer => {
  const copy = Buffer.from(content)
  copy[at % copy.length] = (copy[at % copy.length] ?? 0) ^ (1 << (at % 8))
  return copy
}

describe('a flipped bit', () => {
  it('in the first segment is one damaged record of 600, at its place, and eleven segments are as they were written', async () => {
    const { verification, result } = await found((folder) =>
      edited(join(folder, segment(1)), (content) => flipped(content, content.indexOf('secret-2') + 4)),
    )
    expect(verification).toMatchObject({ ok: false, records: 599, damaged: 1, missing: 0 })
    expect(verification.problems).toMatchObject([{ what: 'edited', segment: 1, record: 3, lastRecord: 3 }])
    expect(verification.segments.map(({ status }) => status)).toEqual(['damaged', ...steps.slice(1).map(() => 'verified')])
    expect(verification.segments[0]).toMatchObject({ segment: 1, file: segment(1), records: 49, damaged: 1, missing: 0 })
    expect(result).toEqual(original.toSpliced(2, 1))
  })

  it('in a group of records that were sealed together takes the group with it, and no more', async () => {
    const { verification } = await found((folder) =>
      edited(join(folder, segment(5)), (content) => flipped(content, content.indexOf('secret-20') + 4)),
    )
    expect(verification).toMatchObject({ records: 600 - 42, damaged: 42, missing: 0 })
    expect(verification.problems).toMatchObject([{ what: 'edited', segment: 5, record: 9, lastRecord: 50 }])
  })
})

describe('a segment whose process was killed', () => {
  it('is verified up to where it was found cut, though a forged seal claims to be its last group', async () => {
    const live = await testFolder()
    const sink = jsonLinesFile({ folder: live.folder })
    await written(sink, 8)
    const folder = join(live.folder, '..', 'killed')
    await cp(live.folder, folder, { recursive: true })
    await sink.close?.(context)
    await advanceEpoch(folder, { ended: [] })
    await edited(join(folder, segment(1)), (content) =>
      fromLines(linesOf(content).toSpliced(4, 0, '{"group":8,"kind":"seal","mac":"#","records":0,"start":8}')),
    )
    const verification = await verifyAuditTrail(folder, { key: live.key })
    expect(verification).toMatchObject({ ok: false, records: 8, damaged: 0, missing: 0 })
  })
})

describe('several problems', () => {
  it('are all told, each at its segment', async () => {
    const { verification } = await found(async (folder) => {
      await edited(join(folder, segment(1)), (content) => flipped(content, content.indexOf('secret-2') + 4))
      await rm(join(folder, segment(3)))
      const lines = (await readFile(join(folder, segment(9)), 'utf8')).split('\n')
      await writeFile(join(folder, segment(9)), lines.toSpliced(4, 1).toSpliced(7, 1).join('\n'))
    })
    const { problem, problems, segments } = verification
    expect(problem).toBe(problems[0])
    expect(problems.map(({ what, segment: step }) => [what, step])).toEqual([
      ['edited', 1],
      ['missing', 3],
      ['missing', 9],
      ['missing', 9],
    ])
    expect(verification).toMatchObject({ records: 600 - 1 - 50 - 2, damaged: 1, missing: 52, problemsLeftOut: 0 })
    expect(segments.filter(({ status }) => status !== 'verified').map(({ segment: step }) => step)).toEqual([1, 3, 9])
  })

  it('are counted where there are too many to tell', async () => {
    const { verification } = await found((folder) =>
      edited(join(folder, segment(1)), (content) => Buffer.from(content.toString('utf8').replaceAll('"mac":"', '"mac":"#'))),
    )
    expect(verification.segments[0]).toMatchObject({ status: 'damaged', records: 0, damaged: 50, missing: 0 })
    expect(verification.records).toBe(550)
  })

  it('of a seal that somebody took away is the group that it sealed, and not the next', async () => {
    const { verification } = await found(async (folder) => {
      const lines = (await readFile(join(folder, segment(1)), 'utf8')).split('\n')
      await writeFile(join(folder, segment(1)), lines.toSpliced(5, 1).join('\n')) // of record 2
    })
    expect(verification).toMatchObject({ records: 599, damaged: 1, missing: 0 })
    expect(verification.problems).toMatchObject([{ what: 'missing', segment: 1 }])
  })

  it('of groups that changed places do not spread to those behind them', async () => {
    const { verification } = await found(async (folder) => {
      const lines = (await readFile(join(folder, segment(1)), 'utf8')).split('\n')
      await writeFile(
        join(folder, segment(1)),
        [...lines.slice(0, 4), ...lines.slice(6, 8), ...lines.slice(4, 6), ...lines.slice(8)].join('\n'),
      )
    })
    expect(verification).toMatchObject({ records: 599, damaged: 1, missing: 0 })
    expect(verification.problems).toMatchObject([{ what: 'reordered', segment: 1, record: 2 }])
  })
})

describe('a line that somebody put into a segment', () => {
  it.each([3, 4, 5, 20])('takes no record with it, unless it stands in the midst of a group: line %i', async (line) => {
    const { verification } = await found(async (folder) => {
      const lines = (await readFile(join(folder, segment(7)), 'utf8')).split('\n')
      await writeFile(join(folder, segment(7)), lines.toSpliced(line - 1, 0, '{"name":"forged"}').join('\n'))
    })
    const isInGroup = line === 20
    expect(verification).toMatchObject({ ok: false, records: isInGroup ? 558 : 600, damaged: isInGroup ? 42 : 0, missing: 0 })
    expect(verification.problems).toHaveLength(1)
  })
})

describe('files that are none of the trail', () => {
  it('are named and left out, and copies are compared', async () => {
    const { verification } = await found(async (folder) => {
      await cp(join(folder, segment(1)), join(folder, `${segment(1)}.bak`))
      await writeFile(join(folder, `${segment(3)}.gz`), gzipSync(await readFile(join(folder, segment(3)))))
      await writeFile(join(folder, `${segment(5)}.old`), (await readFile(join(folder, segment(5)))).subarray(0, 4_000))
      await writeFile(join(folder, 'noise.jsonl'), 'noise\n')
      await writeFile(join(folder, 'notes.txt'), 'notes')
      await mkdir(join(folder, 'lost+found'))
    })
    expect(verification).toMatchObject({ ok: true, records: 600, problems: [] })
    const byName = verification.foreign.toSorted((one, other) => (one.file < other.file ? -1 : 1))
    expect(byName.map(({ file, explanation }) => [file, explanation])).toEqual([
      ['lost+found', 'the file does not belong to the trail'],
      ['noise.jsonl', 'the file is not a segment'],
      ['notes.txt', 'the file does not belong to the trail'],
      [`${segment(1)}.bak`, `the file is a copy of segment 1, which was read from ${segment(1)}`],
      [`${segment(3)}.gz`, `the file is a copy of segment 3, which was read from ${segment(3)}`],
      [`${segment(5)}.old`, `the file is named or begins as segment 5, which was read from ${segment(5)}`],
    ])
  })

  it('do not stand in for a segment that was changed', async () => {
    const { verification } = await found(async (folder) => {
      await cp(join(folder, segment(1)), join(folder, `${segment(1)}.bak`))
      await edited(join(folder, segment(1)), (content) => flipped(content, 10))
    })
    expect(verification).toMatchObject({ ok: false, foreign: [{ file: `${segment(1)}.bak` }] })
    expect(verification.segments[0]).toMatchObject({ file: segment(1), status: 'damaged' })
  })

  it('do not stand in the place of a segment that was moved, if they are empty', async () => {
    const { verification } = await found(async (folder) => {
      await rename(join(folder, segment(1)), join(folder, `${segment(1)}.1`))
      await writeFile(join(folder, segment(1)), '')
    })
    expect(verification).toMatchObject({ ok: true, records: 600, foreign: [{ file: segment(1) }] })
  })

  it('are none if they begin as a segment, and no line of the index opened that', async () => {
    const { verification } = await found(async (folder) => {
      const text = (await readFile(join(folder, segment(1)), 'utf8')).replace('"step":1,', '"step":2,')
      await writeFile(join(folder, 'extra.jsonl'), text)
      await writeFile(join(folder, 'other.jsonl'), text.replace(/"folder":"[^"]*"/, '"folder":"another"'))
    })
    expect(verification).toMatchObject({ ok: false, records: 600 })
    expect(verification.problems).toMatchObject([
      { what: 'inserted', file: 'extra.jsonl' },
      { what: 'inserted', file: 'other.jsonl' },
    ])
  })
})

/** What somebody, or a tool, does to one segment; `isHarmless`: it is verified all the same. */
interface Deed {
  readonly name: string
  readonly isHarmless?: boolean
  readonly act: (path: string, random: number) => Promise<unknown>
}

const linesOf = (content: Buffer): string[] => content.toString('latin1').split('\n').slice(0, -1)
const fromLines = (lines: readonly string[]): Buffer => Buffer.from(lines.map((line) => `${line}\n`).join(''), 'latin1')
const byLines = (change: (lines: string[], random: number) => string[]) => (path: string, random: number) =>
  edited(path, (content) => fromLines(change(linesOf(content), random)))

const deeds: readonly Deed[] = [
  { name: 'flip a bit', act: (path, random) => edited(path, (content) => flipped(content, random)) },
  { name: 'remove a line', act: byLines((lines, random) => lines.toSpliced(random % lines.length, 1)) },
  { name: 'double a line', act: byLines((lines, random) => lines.toSpliced(random % lines.length, 0, lines[random % lines.length] ?? '')) },
  {
    name: 'swap two lines',
    act: byLines((lines, random) => {
      const [one, other] = [random % lines.length, (random + 1 + (random % 7)) % lines.length]
      return lines.with(one, lines[other] ?? '').with(other, lines[one] ?? '')
    }),
  },
  { name: 'truncate', act: (path, random) => edited(path, (content) => content.subarray(0, random % content.length)) },
  { name: 'append', act: (path, random) => edited(path, (content) => Buffer.concat([content, Buffer.from(`${random}\n`)])) },
  { name: 'remove', act: (path) => rm(path) },
  { name: 'move', isHarmless: true, act: (path, random) => rename(path, `${path}.${random}`) },
  { name: 'copy', isHarmless: true, act: (path) => cp(path, `${path}.bak`) },
  { name: 'compress', isHarmless: true, act: (path) => compressed(path, (content) => content) },
  {
    name: 'compress and flip a bit',
    act: (path, random) => compressed(path, (content) => flipped(content, 100 + (random % (content.length - 200)))),
  },
  { name: 'compress and truncate', act: (path, random) => compressed(path, (content) => content.subarray(0, random % content.length)) },
]

async function compressed(path: string, change: (content: Buffer) => Buffer): Promise<void> {
  await writeFile(`${path}.gz`, change(gzipSync(await readFile(path))))
  await rm(path)
}

const anyDeeds = fc.dictionary(
  fc.constantFrom(...steps.map(String)),
  fc.record({ deed: fc.constantFrom(...deeds), random: fc.nat({ max: 1_000_000 }) }),
  { maxKeys: 5, noNullPrototype: true },
)

describe('whatever is done to some segments', () => {
  it('exactly those are not verified, all records are accounted for, and none is handed out that was not written', async () => {
    await fc.assert(
      fc.asyncProperty(anyDeeds, fc.boolean(), async (done, hasCheckpoints) => {
        const change = async (folder: string): Promise<void> => {
          for (const [step, { deed, random }] of Object.entries(done)) await deed.act(join(folder, segment(Number(step))), random)
        }
        const { verification, result } = await found(change, hasCheckpoints ? { checkpoint: made.checkpoints } : {})
        const harmed = Object.keys(done)
          .filter((step) => done[step]?.deed.isHarmless !== true)
          .map(Number)
        const { segments, records, damaged, missing } = verification
        expect(segments.map(({ segment: step }) => step)).toEqual(steps)
        expect(segments.filter(({ status }) => status !== 'verified').map(({ segment: step }) => step)).toEqual(
          harmed.toSorted((a, b) => a - b),
        )
        expect(verification.ok).toBe(harmed.length === 0)
        for (const one of segments) expect(one.records + one.damaged + one.missing).toBe(recordsEach)
        expect(records + damaged + missing).toBe(count * recordsEach)
        expect(result).toHaveLength(records)
        expectInOrder(result)
      }),
      { numRuns: process.env['THOROUGH'] ? 500 : 80 },
    )
  })
})

/** A part of what was written, in its order. */
function expectInOrder(records: readonly AuditRecord[]): void {
  const texts = original.map((record) => JSON.stringify(record))
  let at = -1
  for (const record of records) {
    const next = texts.indexOf(JSON.stringify(record), at + 1)
    expect(next).toBeGreaterThan(at)
    at = next
  }
}

describe('the index', () => {
  it.each([0, 1, 2, 5, 23, 24])('with a damaged line %i leaves every segment to be verified by its own key', async (line) => {
    const { verification } = await found((folder) =>
      edited(join(folder, 'index.jsonl'), (content) =>
        fromLines(linesOf(content).map((text, at) => (at === line ? text.replace('"host":"', '"host":"x') : text))),
      ),
    )
    expect(verification).toMatchObject({ ok: false, records: 600, damaged: 0, missing: 0 })
    expect(verification.problem).toMatchObject({ file: 'index.jsonl', line: line + 1 })
    expect(verification.segments.map(({ status }) => status)).toEqual(steps.map(() => 'verified'))
  })

  it('without some lines does the same, also at its end, and where there is no key of the folder', async () => {
    for (const [from, lines] of [
      [0, 3],
      [3, 4],
      [20, 5],
    ] as const) {
      const { verification } = await found(async (folder) => {
        if (from === 3) await rm(join(folder, 'key.json'))
        await edited(join(folder, 'index.jsonl'), (content) => fromLines(linesOf(content).toSpliced(from, lines)))
      })
      expect([from, verification.ok, verification.records]).toEqual([from, false, 600])
    }
  })

  it('that is gone leaves every segment to be verified by the step in its header', async () => {
    const { verification } = await found(async (folder) => {
      await rm(join(folder, 'index.jsonl'))
      await rename(join(folder, segment(5)), join(folder, 'moved.jsonl'))
    })
    expect(verification).toMatchObject({ ok: false, records: 600, problems: [{ what: 'missing', file: 'index.jsonl' }] })
    expect(verification.segments.map(({ segment: step }) => step)).toEqual(steps)
  })

  it('that is no segment’s, since the key is another one, says that alone', async () => {
    const other = await segmentsOf(1, 1)
    const verification = await verifyAuditTrail(made.folder, { key: other.key })
    expect(verification).toMatchObject({ ok: false, records: 0, segments: [], problems: [{ what: 'wrong key' }] })
  })
})

describe('a range', () => {
  it('of segments looks at these alone, and says so', async () => {
    const { verification, result } = await found((folder) => rm(join(folder, segment(3))), { segments: { first: 5, last: 9 } })
    expect(verification).toMatchObject({ ok: true, records: 150, range: { segmentsLeftOut: 9 } })
    expect(verification.segments.map(({ segment: step }) => step)).toEqual([5, 7, 9])
    expect(result).toEqual(original.slice(100, 250))
    const { verification: whole } = await found(async () => {})
    expect(whole.range).toBe(undefined)
  })

  it('of time looks at segments that were written to then', async () => {
    const hour = 3_600_000
    const { verification: now } = await found(async () => {}, { from: Date.now() - hour })
    expect(now).toMatchObject({ ok: true, records: 600, range: { segmentsLeftOut: 0 } })
    const { verification: before } = await found(async () => {}, { until: Date.now() - 2 * hour })
    expect(before).toMatchObject({ ok: true, records: 0, segments: [], range: { segmentsLeftOut: 12 } })
  })

  it.each([
    { segments: { first: 3, last: 2 } },
    { segments: { first: -1 } },
    { segments: { frist: 1 } },
    { segments: 5 },
    { from: 2, until: 1 },
    { from: Number.NaN },
    { until: '2026-11-01' },
  ])('is refused if it is none: %j', async (options) => {
    await expect(verifyAuditTrail(made.folder, { key: made.key, ...options } as never)).rejects.toMatchObject({ code: 'CONFIGURATION' }) // as JavaScript may pass it
  })
})

describe('a compressed segment', () => {
  it('is read as it is, also moved, and one that holds more than the segment had is damaged', async () => {
    const { verification } = await found(async (folder) => {
      for (const step of steps) await compressed(join(folder, segment(step)), (content) => content)
      await rename(join(folder, `${segment(1)}.gz`), join(folder, 'a.jsonl-20261127.gz'))
    })
    expect(verification).toMatchObject({ ok: true, records: 600, foreign: [] })
    const { verification: bomb } = await found(async (folder) => {
      const content = await readFile(join(folder, segment(1)))
      await writeFile(join(folder, `${segment(1)}.gz`), gzipSync(Buffer.concat([content, Buffer.alloc(50_000_000)])))
      await rm(join(folder, segment(1)))
    })
    expect(bomb.problems).toMatchObject([{ segment: 1, explanation: 'the compressed file holds more than the segment had' }])
    expect(bomb).toMatchObject({ records: 600 })
    expect((await readdir(made.folder)).filter((name) => name.endsWith('.gz'))).toEqual([])
  })
})
