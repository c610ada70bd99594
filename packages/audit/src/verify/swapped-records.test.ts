import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AuditRecord } from '@finchat/secrets-core'
import { afterAll, describe, expect, it } from 'vitest'
import type { AuditProblem } from './audit-problem.ts'
import { jsonLinesFile } from '../file/file-sink.ts'
import { context, linesIn, removeTestFolders, testFolder } from '../testing/folders.ts'
import { aRecord } from '../testing/sample-records.ts'
import { verifyAuditTrail } from './verify-audit-trail.ts'

afterAll(removeTestFolders)

/** The header and its seal stand before the first record, and a seal behind each. */
const lineOf = (count: number): number => 2 * count + 1

/** Writes records that are sealed alone, changes the lines of the segment, and says what is found. */
async function problemOf(records: readonly AuditRecord[], change: (lines: string[]) => string[]): Promise<AuditProblem | undefined> {
  const { folder, key } = await testFolder()
  const sink = jsonLinesFile({ folder })
  for (const record of records) await sink.write(record, context)
  await sink.close?.(context)
  const path = join(folder, 'segment-00000001.jsonl')
  await writeFile(path, `${change(await linesIn(path)).join('\n')}\n`)
  return (await verifyAuditTrail(folder, { key })).problem
}

const swap =
  (one: number, other: number) =>
  (lines: string[]): string[] =>
    lines.with(one - 1, lines[other - 1] ?? '').with(other - 1, lines[one - 1] ?? '')

const six = Array.from({ length: 6 }, (_, index) => aRecord({ seq: index + 1, name: `secret-${index + 1}` }))

describe('of records that were sealed alone', () => {
  it.each([
    [2, 3],
    [2, 6],
    [3, 5],
    [5, 6],
  ])('a swap of numbers %i and %i is told from a deletion', async (one, other) => {
    expect(await problemOf(six, swap(lineOf(one), lineOf(other)))).toEqual({
      what: 'reordered',
      segment: 1,
      record: one,
      lastRecord: one,
      file: 'segment-00000001.jsonl',
      line: lineOf(one),
      lastLine: lineOf(one),
      explanation: 'the record stands before one that came earlier',
    })
  })

  it('so is one with the record of a gap, which holds the numbers that were missed', async () => {
    const gap = aRecord({ seq: 4, operation: 'gap', missed: 3, missedFrom: 2 })
    const records = [aRecord({ seq: 1 }), gap, aRecord({ seq: 5 }), aRecord({ seq: 6 })]
    expect(await problemOf(records, swap(lineOf(2), lineOf(4)))).toMatchObject({ what: 'reordered', line: lineOf(2) })
  })

  it('one that another took the place of is missing', async () => {
    const replaced = (lines: string[]): string[] => lines.with(lineOf(2) - 1, lines[lineOf(3) - 1] ?? '')
    expect(await problemOf(six, replaced)).toMatchObject({ what: 'missing', line: lineOf(2) })
  })

  it('one whose number stands further down in another trail alone is missing', async () => {
    const mixed = [1, 2, 3, 4].map((seq) => aRecord({ seq })).toSpliced(4, 0, aRecord({ seq: 2, trail: 'another' }))
    const replaced = (lines: string[]): string[] => lines.with(lineOf(2) - 1, lines[lineOf(3) - 1] ?? '')
    expect(await problemOf(mixed, replaced)).toMatchObject({ what: 'missing', line: lineOf(2) })
  })
})
