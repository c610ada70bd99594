import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AuditRecord } from '@finchat/secrets-core'
import { afterAll, describe, expect, it } from 'vitest'
import { jsonLinesFile } from '../file/file-sink.ts'
import type { AuditSummary } from '../query/audit-summary.ts'
import { openAuditNames } from '../query/open-audit-names.ts'
import { summarize } from '../query/summarize.ts'
import { verifiedTrails } from '../query/verified-trails.ts'
import { eraseAuditNames } from '../retention/erase-audit-names.ts'
import { erasedRowText, rowsIn } from '../record/name-rows.ts'
import { nameIdOf } from '../record/sealed-name.ts'
import { context, event, removeTestFolders, type TestFolder, testFolder } from '../testing/folders.ts'
import { auditTrail } from '../trail/audit-trail.ts'
import { recordsReport, reportSentences, reportSeverity, summaryReport } from './report.ts'
import type { ReportedTrail } from './reported-trails.ts'

afterAll(removeTestFolders)

const [alice, bob, carol] = ['alice@example.com', 'bob@example.com', 'carol@example.com']

interface SealedTrail extends TestFolder {
  readonly file: string
}

async function trailOfPersons(): Promise<SealedTrail> {
  const made = await testFolder()
  const file = join(made.folder, '..', 'names.key')
  const sink = jsonLinesFile({ folder: made.folder, checkpoints: { to: made.checkpoints } })
  const audit = auditTrail({ sinks: [sink], sealNames: { file }, sinkDeadlineMs: 60_000 })
  for (const actor of [alice, bob, alice, carol]) await audit.record({ ...event, actor }, context)
  await audit.close?.(context)
  return { ...made, file }
}

interface Reports {
  readonly trails: readonly ReportedTrail[]
  readonly summary: AuditSummary
  readonly records: readonly AuditRecord[]
}

async function reported({ folder, key, checkpoints, file }: SealedTrail, files: readonly string[] = [file]): Promise<Reports> {
  const records: AuditRecord[] = []
  const { trails, result: summary } = await verifiedTrails([{ folder, key, checkpoint: checkpoints }], async (read) => {
    for await (const record of openAuditNames(read, { file: files, folder })) records.push(record)
    return summarize(records)
  })
  return { trails, summary, records }
}

/** Overwrites the key of a name as a writer of the file can, without a word in the index; or removes its row. */
async function destroyKey({ file }: SealedTrail, name: string, isRemoved = false): Promise<string> {
  const content = await readFile(file)
  const found = [...rowsIn(content)].find(({ row }) => row?.name === name)
  if (found?.row === undefined) throw new Error('there is no such name')
  const pseudonym = nameIdOf(found.row.key)
  const text = isRemoved ? ' '.repeat(found.length) : erasedRowText(pseudonym, found.length)
  content.write(text, found.at)
  await writeFile(file, content)
  return pseudonym
}

const formats = ['text', 'html', 'csv'] as const

describe('a name whose key was destroyed outside of an erasure', () => {
  it('is in the verdict, in JSON and marked in the table, and leaves the report open', async () => {
    const made = await trailOfPersons()
    await eraseAuditNames(made.folder, { file: made.file, names: [bob], reason: 'request 17' })
    const pseudonym = await destroyKey(made, alice)
    const { trails, summary, records } = await reported(made)
    const [first] = reportSentences({ trails }, summary)
    expect(first).toBe(
      `1 erased name is explained by no erasure of the trail: "erased name ${pseudonym}". Its key was destroyed in the file of name keys, and the index does not say when, nor why.`,
    )
    expect(reportSeverity({ trails }, summary)).toBe('open')
    const tables = formats.map((format) => summaryReport(summary, { format, trails }))
    for (const text of [...tables, ...(['html', 'csv'] as const).map((format) => recordsReport(records, { format, trails }))]) {
      expect(text).toContain('1 erased name is explained by no erasure of the trail')
      expect(text.split('NOT EXPLAINED by an erasure of the trail').length).toBe(2)
      expect(text).toContain('request 17')
    }
    expect(recordsReport(records, { format: 'text', trails })).toContain('explained by no erasure')
    const json = JSON.parse(summaryReport(summary, { format: 'json', trails }))
    expect([json.severity, json.unexplained]).toEqual(['open', [pseudonym]])
    expect(json.summary.unreadable.map(({ state, records: count }: { state: string; records: number }) => [state, count])).toEqual([
      ['erased', 2],
      ['erased', 1],
    ])
    expect(JSON.parse(recordsReport(records, { format: 'json', trails })).unexplained).toEqual([pseudonym])
  })

  it('is shown as lost if its row is gone', async () => {
    const made = await trailOfPersons()
    const pseudonyms = [await destroyKey(made, alice, true), await destroyKey(made, carol, true)]
    const { trails, summary, records } = await reported(made)
    expect(records.map(({ actor }) => actor)).toEqual([
      `lost name ${pseudonyms[0]}`,
      bob,
      `lost name ${pseudonyms[0]}`,
      `lost name ${pseudonyms[1]}`,
    ])
    const [first] = reportSentences({ trails }, summary)
    expect(first).toContain('2 names have no key, though a file of name keys of each folder was given')
    for (const pseudonym of pseudonyms) expect(first).toContain(`"lost name ${pseudonym}"`)
    expect(reportSeverity({ trails }, summary)).toBe('open')
  })

  it('is judged only where every folder was verified, since the others may explain it', async () => {
    const made = await trailOfPersons()
    await destroyKey(made, alice)
    const { trails, summary } = await reported(made)
    const all = [...trails, { folder: 'copies/web-2', failure: 'it could not be read' }]
    expect(reportSentences({ trails: all }, summary).join(' ')).not.toContain('explained by no erasure')
    expect(summaryReport(summary, { format: 'text', trails: all })).toContain('not known: a folder was not verified')
  })
})

describe('an erasure of the trail', () => {
  it('explains each name, also if its row is gone with the file', async () => {
    const made = await trailOfPersons()
    await eraseAuditNames(made.folder, { file: made.file, names: [alice, bob, carol], reason: 'request 17' })
    const whole = await reported(made)
    expect(reportSeverity({ trails: whole.trails }, whole.summary)).toBe('good')
    await rm(made.file)
    const sink = jsonLinesFile({ folder: made.folder })
    const audit = auditTrail({ sinks: [sink], sealNames: { file: made.file }, sinkDeadlineMs: 60_000 })
    await audit.record({ ...event, actor: 'dave@example.com' }, context)
    await audit.close?.(context)
    const { trails, summary } = await reported(made)
    expect(summary.unreadable.map(({ state }) => state)).toEqual(['lost', 'lost', 'lost'])
    expect(JSON.parse(summaryReport(summary, { format: 'json', trails })).unexplained).toEqual([])
  })
})

describe('names that are sealed', () => {
  it('are said to be so, with how to show them, where no file of their keys was given', async () => {
    const made = await trailOfPersons()
    const { trails, summary, records } = await reported(made, [])
    const said = '3 names are sealed, and shown as a pseudonym. To show names, give the file of name keys of each host: --names FILE'
    expect(reportSentences({ trails }, summary).at(-1)).toContain(said)
    expect(reportSeverity({ trails }, summary)).toBe('good')
    for (const format of formats) {
      expect(summaryReport(summary, { format, trails }), format).toContain(said)
      expect(recordsReport(records, { format, trails }), format).toContain(said)
    }
  })

  it('are not mentioned if all of them could be opened', async () => {
    const { trails, summary, records } = await reported(await trailOfPersons())
    expect(summary.unreadable).toEqual([])
    for (const text of [summaryReport(summary, { format: 'text', trails }), recordsReport(records, { format: 'html', trails })])
      expect(text).not.toMatch(/sealed|not readable/)
  })
})

it.each([5, 'erased', [5], [{ state: 'gone' }]])('refuses %j as names', (names) => {
  expect(() => reportSeverity({ names: names as never })).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
})
