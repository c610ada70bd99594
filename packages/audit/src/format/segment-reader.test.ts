import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { segmentFiles } from './segment-files.ts'
import { linesOf, readSegment, recordsOf, type SegmentGroup } from './segment-reader.ts'

const header = (step: number): string => `{"folder":"f","host":"h","kind":"segment","pid":1,"step":${step},"time":1,"v":2}\n`
const record = (seq: number): string => `{"name":"token","operation":"get","phase":"outcome","seq":${seq},"time":1,"trail":"t","v":1}\n`
const seal = (group: number, records: number): string =>
  `{"group":${group},"kind":"seal","mac":"m","records":${records},"start":${group}}\n`

let folder: string
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'audit-reader-'))))
afterAll(() => rm(folder, { recursive: true }))

async function written(content: string | Buffer, name = 'a.jsonl'): Promise<string> {
  await writeFile(join(folder, name), content)
  return join(folder, name)
}

async function groupsOf(content: string | Buffer): Promise<SegmentGroup[]> {
  const groups: SegmentGroup[] = []
  for await (const group of readSegment(await written(content))) groups.push(group)
  return groups
}

describe('the reader of segments', () => {
  it.each(['fifo.jsonl', 'fifo.jsonl.gz'])('waits for no writer of a FIFO: %s', async (name) => {
    const fifo = join(folder, name)
    execFileSync('mkfifo', [fifo])
    for (const reading of ['waiting', 'at once'] as const) {
      await expect(linesOf(fifo, undefined, reading).next()).rejects.toMatchObject({
        code: 'AUDIT_FAILED',
        problem: expect.stringContaining('not a regular file'),
      })
    }
  })

  it('gives what stands between seals, and where', async () => {
    const groups = await groupsOf(header(1) + seal(0, 0) + record(1) + record(2) + seal(1, 2) + record(3))
    expect(groups.map(({ firstLine, lines, seal: end }) => [firstLine, lines.length, end?.group])).toEqual([
      [1, 1, 0],
      [3, 2, 1],
      [6, 1, undefined],
    ])
    expect(groups.flatMap(recordsOf).map(({ seq }) => seq)).toEqual([1, 2, 3])
    expect(groups.at(-1)?.endsAt).toBe((header(1) + seal(0, 0) + record(1) + record(2) + seal(1, 2) + record(3)).length)
  })

  it('holds no more of a file than a group may have', async () => {
    const groups = await groupsOf(record(1).repeat(1000))
    expect(Math.max(...groups.map(({ lines }) => lines.length))).toBeLessThan(70)
    const long = await groupsOf('x'.repeat(6_000_000))
    expect(Math.max(...long.flatMap(({ lines }) => lines.map(({ length }) => length)))).toBeLessThan(1_400_000)
  })

  it('loses no byte of any file, and takes no noise for a record', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(fc.string(), fc.constantFrom('\n', '{"group":', '{"end":', record(1), seal(1, 1)))),
        async (parts) => {
          const content = Buffer.from(parts.join(''))
          const groups = await groupsOf(content)
          expect(Buffer.concat(groups.flatMap(({ lines, sealLine }) => [...lines, sealLine]))).toEqual(content)
          for (const group of groups) for (const { v } of recordsOf(group)) expect(v).toBe(1)
        },
      ),
      { numRuns: 100 },
    )
  })

  it('finds the lines of a file that is longer than what is read at once', async () => {
    const path = await written(record(1).repeat(5000))
    let count = 0
    for await (const lines of linesOf(path)) count += lines.length
    expect(count).toBe(5000)
  })

  it('lists segments as they were opened, whatever they are called now, and files that are none', async () => {
    await rm(folder, { recursive: true })
    folder = await mkdtemp(join(tmpdir(), 'audit-reader-'))
    await written(header(10), 'b.jsonl')
    await written(header(9), 'moved.jsonl.1')
    await written('noise', 'foreign.jsonl')
    await written('noise', 'index.jsonl')
    expect((await segmentFiles(folder)).map(({ header: found }) => found?.step)).toEqual([9, 10, undefined])
  })
})
