import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { jsonLinesFile } from '../file/file-sink.ts'
import { readSegment, type SegmentGroup } from '../format/segment-reader.ts'
import { context, removeTestFolders, testFolder, written } from '../testing/folders.ts'
import type { AuditVerification } from './audit-verification.ts'
import { verifyAuditTrail } from './verify-audit-trail.ts'

afterAll(removeTestFolders)

const segment = 'segment-00000001.jsonl'

interface DeadFolder {
  readonly folder: string
  readonly key: string
  readonly content: Buffer
  readonly groups: readonly SegmentGroup[]
}

/** What a killed process leaves: every record was acknowledged, and nobody ended the segment. */
async function deadFolder(records: number, alone: number, durable = true): Promise<DeadFolder> {
  const { folder: live, key } = await testFolder()
  const sink = jsonLinesFile({ folder: live, durable })
  await written(sink, records, alone)
  const folder = join(live, '..', 'found')
  await cp(live, folder, { recursive: true })
  await sink.close?.(context)
  const groups: SegmentGroup[] = []
  for await (const group of readSegment(join(folder, segment))) groups.push(group)
  return { folder, key, content: await readFile(join(folder, segment)), groups }
}

let copies = 0

/** What is found in a copy of it with zeros there, before and after the next process came. */
async function foundWith(
  dead: DeadFolder,
  at: number,
  length: number,
): Promise<readonly [before: AuditVerification, after: AuditVerification]> {
  const folder = join(dead.folder, '..', `copy-${copies++}`)
  await cp(dead.folder, folder, { recursive: true })
  await writeFile(join(folder, segment), Buffer.from(dead.content).fill(0, at, at + length))
  const before = await verifyAuditTrail(folder, { key: dead.key })
  const next = jsonLinesFile({ folder })
  await written(next, 1)
  await next.close?.(context)
  return [before, await verifyAuditTrail(folder, { key: dead.key })]
}

/** Of the record in this group. */
function byteIn({ groups }: DeadFolder, group: number): number {
  return (groups[group]?.endsAt ?? 0) - (groups[group]?.sealLine.length ?? 0) - 20
}

describe('one zero byte in the segment of a process that was killed', () => {
  it('does not hide the 1,994 records behind it from the next process: they are proven, and the one is found', async () => {
    const dead = await deadFolder(2_000, 8)
    const found = await foundWith(dead, byteIn(dead, 6), 1)
    expect(found.map(({ ok, records, damaged }) => [ok, records, damaged])).toEqual([
      [false, 1_999, 1],
      [false, 2_000, 1],
    ])
    for (const { problem } of found) {
      expect(problem).toMatchObject({ what: 'edited', file: segment, segment: 1, line: 13 })
    }
  })

  it('is found in the header, in a seal, in a batch before the last, and where nothing is synced', async () => {
    for (const durable of [true, false]) {
      const dead = await deadFolder(150, 10, durable)
      const sealOf = (group: number): number => (dead.groups[group]?.endsAt ?? 0) - 10
      for (const at of [5, sealOf(0), sealOf(3), byteIn(dead, 10)]) {
        for (const { ok, problem } of await foundWith(dead, at, 1)) {
          expect(ok).toBe(false)
          expect(problem).toMatchObject({ file: segment })
        }
      }
    }
  })
})

describe('zeros anywhere in it', () => {
  let dead: DeadFolder
  beforeAll(async () => {
    dead = await deadFolder(300, 6)
  })

  it('are a torn tail only if nothing behind them was written later, and the next process changes nothing of that', async () => {
    const { groups, content } = dead
    const place = fc.tuple(fc.nat({ max: content.length - 1 }), fc.oneof(fc.constant(1), fc.nat({ max: 4096 })))
    await fc.assert(
      fc.asyncProperty(place, async ([at, length]) => {
        const end = Math.min(content.length, at + Math.max(1, length))
        const first = groups.findIndex(({ endsAt }) => endsAt > at)
        const isWholeBehind = ({ lines, sealLine, endsAt }: SegmentGroup): boolean =>
          endsAt - sealLine.length - lines.reduce((sum, line) => sum + line.length, 0) >= end
        const isEdit = groups.some((group) => isWholeBehind(group) && (group.seal?.start ?? 0) > first)
        const [before, after] = await foundWith(dead, at, end - at)
        expect([before.ok, after.ok]).toEqual([!isEdit, !isEdit])
        const ends = ({ unproven }: typeof after) => unproven.map((tail) => ({ ...tail, recordedAt: undefined }))
        if (!isEdit) expect(ends(after)).toEqual(ends(before))
        expect(after.records - 1).toBe(before.records)
      }),
      { numRuns: process.env['THOROUGH'] ? 60 : 20 },
    )
  })
})
