import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { appendFile, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AuditRecord } from '@finchat/secrets-core'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { copyAuditTrail } from '../copy/copy-audit-trail.ts'
import { jsonLinesFile } from '../file/file-sink.ts'
import { firstEntry } from '../format/first-entry.ts'
import { rotateAuditFolder } from '../file/rotate-audit-folder.ts'
import { rowsIn } from '../record/name-rows.ts'
import { csvLines } from '../report/csv.ts'
import { recordsReport, summaryReport } from '../report/report.ts'
import { verificationSentences, verificationSeverity } from '../report/verification-summary.ts'
import { holdAuditFolder, releaseAuditFolder } from '../retention/hold-audit-folder.ts'
import { eraseAuditNames } from '../retention/erase-audit-names.ts'
import { context, event, removeTestFolders, type TestFolder, testFolder } from '../testing/folders.ts'
import { auditTrail } from '../trail/audit-trail.ts'
import type { SealNamesOptions } from '../trail/trail-options.ts'
import { verifyAuditTrail } from '../verify/verify-audit-trail.ts'
import { openAuditNames } from './open-audit-names.ts'
import { queryRecords } from './query.ts'
import { summarize } from './summarize.ts'
import { verifiedTrail } from './verified-trail.ts'
import { verifiedTrails } from './verified-trails.ts'

afterAll(removeTestFolders)
afterEach(() => void vi.restoreAllMocks())

const [alice, bob] = ['alice@example.com', 'bob@example.com']

interface SealedTrail extends TestFolder {
  readonly file: string
}

/** Alice reads twice, Bob once, and somebody without an actor. */
async function trailOfPersons(of: SealNamesOptions['of'] = ['actor']): Promise<SealedTrail> {
  const made = await testFolder()
  const file = join(made.folder, '..', 'names.key')
  await use({ ...made, file }, [alice, bob, alice, undefined], of)
  return { ...made, file }
}

async function use(
  { folder, checkpoints, file }: SealedTrail,
  actors: readonly (string | undefined)[],
  of?: SealNamesOptions['of'],
): Promise<void> {
  const sink = jsonLinesFile({ folder, checkpoints: { to: checkpoints } })
  const audit = auditTrail({ sinks: [sink], sealNames: { file, of }, sinkDeadlineMs: 60_000 })
  const nameOf = (actor = 'nobody'): string => (of?.includes('name') === true ? `of-${actor}` : 'db/password')
  for (const actor of actors) await audit.record({ ...event, name: nameOf(actor), ...(actor !== undefined && { actor }) }, context)
  await audit.close?.(context)
}

async function records({ folder, key, checkpoints, file }: SealedTrail): Promise<readonly AuditRecord[]> {
  const { verification, result } = await verifiedTrail(folder, { key, checkpoint: checkpoints }, (found) =>
    listOf(openAuditNames(found, { file })),
  )
  expect(verification).toMatchObject({ ok: true, unproven: [] })
  return result
}

async function listOf(found: AsyncIterable<AuditRecord>): Promise<readonly AuditRecord[]> {
  const list: AuditRecord[] = []
  for await (const record of found) list.push(record)
  return list
}

async function listOfText(found: AsyncIterable<string>): Promise<readonly string[]> {
  const list: string[] = []
  for await (const text of found) list.push(text)
  return list
}

async function textOfFolder(folder: string): Promise<string> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.jsonl'))
  return (await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')))).join('')
}

const reason = 'request 17'
const erase = ({ folder, file }: SealedTrail, names: readonly string[]): ReturnType<typeof eraseAuditNames> =>
  eraseAuditNames(folder, { file, names, reason })

/** Whatever is below a folder, and names of files too. */
async function allBelow(folder: string): Promise<string> {
  const paths = (await readdir(folder, { recursive: true, withFileTypes: true })).map((each) => join(each.parentPath, each.name))
  const contents = await Promise.all(paths.map(async (path) => readFile(path).catch(() => Buffer.alloc(0))))
  return [...paths, ...contents.map((content) => content.toString('latin1'))].join('\n')
}

describe('names that are sealed', () => {
  it('stand in no file of the trail, and are read while their keys are there', async () => {
    const made = await trailOfPersons()
    const text = await textOfFolder(made.folder)
    expect([text.includes(alice), text.match(/"actor":"sealed:/g)?.length]).toEqual([false, 3])
    expect((await records(made)).map(({ actor, name }) => [actor, name])).toEqual(
      [alice, bob, alice, undefined].map((actor) => [actor, 'db/password']),
    )
  })

  it('may be those of secrets too', async () => {
    const made = await trailOfPersons(['actor', 'name'])
    expect(await textOfFolder(made.folder)).not.toContain('example.com')
    expect((await records(made)).map(({ name }) => name)).toEqual([`of-${alice}`, `of-${bob}`, `of-${alice}`, 'of-nobody'])
  })

  it('leave the names of secrets hashed, if those are to be', async () => {
    const { folder } = await testFolder()
    const hashNames = crypto.getRandomValues(new Uint8Array(32))
    const sealNames = { file: join(folder, '..', 'names.key') }
    const audit = auditTrail({ sinks: [jsonLinesFile({ folder })], hashNames, sealNames, sinkDeadlineMs: 60_000 })
    await audit.record({ ...event, name: 'db/password', actor: alice }, context)
    await audit.close?.(context)
    const text = await textOfFolder(folder)
    expect([text.includes('db/password'), text.includes('"name":"hmac:'), text.includes('"actor":"sealed:')]).toEqual([false, true, true])
  })

  it('are found by a query, and counted in a report', async () => {
    const { folder, key, file } = await trailOfPersons()
    const found = await verifiedTrail(folder, { key }, (read) => listOf(queryRecords(openAuditNames(read, { file }), { actor: alice })))
    expect(found.result).toHaveLength(2)
    const { result } = await verifiedTrail(folder, { key }, (read) => summarize(openAuditNames(read, { file })))
    expect(summaryReport(result, { format: 'text' })).toContain(bob)
  })
})

it('names of several hosts are opened by the files of all of them', async () => {
  const [one, other] = [await trailOfPersons(), await trailOfPersons()]
  const sources = [one, other].map(({ folder, key }) => ({ folder, key }))
  const actors = async (...file: string[]): Promise<readonly (string | undefined)[]> => {
    const { result } = await verifiedTrails(sources, (found) => listOf(openAuditNames(found, { file })))
    return result.map(({ actor }) => actor)
  }
  expect(await actors(one.file, other.file)).toEqual([alice, bob, alice, undefined, alice, bob, alice, undefined])
  expect((await actors(other.file)).map((actor) => actor?.slice(0, 11))).toEqual([
    'sealed name',
    'sealed name',
    'sealed name',
    undefined,
    alice.slice(0, 11),
    bob.slice(0, 11),
    alice.slice(0, 11),
    undefined,
  ])
  expect(() => openAuditNames([], { file: [''] })).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }))
  for (const folder of [null, '', 7, [null]])
    expect(() => openAuditNames([], { folder: folder as string })).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }))
})

describe('keys of names of another trail', () => {
  it('are refused by a process that records, before it writes anything', async () => {
    const [one, other] = [await trailOfPersons(), await testFolder()]
    const before = await readFile(one.file)
    const sink = jsonLinesFile({ folder: other.folder })
    expect(() => auditTrail({ sinks: [sink], sealNames: { file: one.file } })).toThrow(refused(one.file))
    await sink.close?.(context)
    expect(await readFile(one.file)).toEqual(before)
  })

  it('are refused by an erasure, which leaves both trails and the file as they are', async () => {
    const [one, other] = [await trailOfPersons(), await trailOfPersons()]
    const before = [await readFile(one.file), await textOfFolder(other.folder)]
    await expect(eraseAuditNames(other.folder, { file: one.file, names: [alice], reason })).rejects.toEqual(refused(one.file))
    expect([await readFile(one.file), await textOfFolder(other.folder)]).toEqual(before)
  })

  it('are refused by a report over folders of which none is theirs, and not beside their own', async () => {
    const [one, other] = [await trailOfPersons(), await trailOfPersons()]
    const read = (file: string, folder: string | readonly string[]): Promise<unknown> =>
      verifiedTrail(other.folder, { key: other.key }, (found) => listOf(openAuditNames(found, { file, folder })))
    await expect(read(one.file, other.folder)).rejects.toEqual(refused(one.file))
    await read(one.file, [one.folder, other.folder])
    await read(other.file, other.folder)
    await rotateAuditFolder(one.folder)
    await use(one, [bob])
    const { folders } = await verifyAuditTrail(one.folder, { key: one.key })
    await read(one.file, join(one.folder, folders[1]?.name ?? ''))
  })

  it('are told from those that no trail has used yet', async () => {
    const made = await trailOfPersons()
    await writeFile(made.file, '')
    await use(made, [alice])
    expect((await erase(made, [alice])).erased).toBe(1)
    expect(await readFile(made.file, 'utf8')).toContain(JSON.stringify({ trail: firstEntry(made.folder).folder, v: 1 }))
  })

  const refused = (file: string): unknown => expect.objectContaining({ code: 'CONFIGURATION', message: expect.stringContaining(file) })
})

describe('a name that is erased', () => {
  it('is a pseudonym, the same in each record, while others stay and the trail verifies', async () => {
    const made = await trailOfPersons()
    const { erased, pseudonyms } = await erase(made, [alice])
    expect([erased, pseudonyms]).toEqual([1, [expect.stringMatching(/^[0-9a-f]{32}$/)]])
    const [first, second, third] = (await records(made)).map(({ actor }) => actor)
    expect([first, second, third]).toEqual([`erased name ${pseudonyms[0]}`, bob, first])
  })

  it.each([
    ['misspelt', [alice, 'bobb@example.com'], 'no key of 1 of the 2 names: number 2'],
    ['never recorded', ['carol@example.com'], 'no key of this name'],
  ])('is refused if one is %s, before anything is written', async (_, names, why) => {
    const made = await trailOfPersons()
    const before = [await readFile(made.file), await textOfFolder(made.folder)]
    const refused = { code: 'NOT_FOUND', message: expect.stringContaining(why), remedy: expect.stringContaining('erased before') }
    await expect(erase(made, names)).rejects.toMatchObject(refused)
    await expect(erase(made, names)).rejects.toMatchObject({ message: expect.not.stringContaining('@') })
    expect([await readFile(made.file), await textOfFolder(made.folder)]).toEqual(before)
  })

  it('is refused if it was erased before, and what a dying process left of its row is overwritten', async () => {
    const made = await trailOfPersons()
    const [, row = ''] = (await readFile(made.file, 'utf8')).split('\n').filter((each) => each !== '')
    await erase(made, [alice])
    await appendFile(made.file, row.slice(0, 40))
    await expect(erase(made, [alice])).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect(await readFile(made.file, 'utf8')).not.toContain(row.slice(0, 40))
  })

  it('is erased by the next call if the first one was interrupted between two names, also after a rotation', async () => {
    const made = await trailOfPersons()
    const before = await readFile(made.file, 'utf8')
    const { pseudonyms } = await erase(made, [alice, bob])
    const [kept = ''] = /^.*bob@.*$/m.exec(before) ?? []
    const after = await readFile(made.file, 'utf8')
    const [erasedRow = ''] = new RegExp(`^.*${pseudonyms[1]}.*$`, 'm').exec(after) ?? []
    await writeFile(made.file, after.replace(erasedRow, kept).replace(/^\{"erasedAt".*$/m, ''))
    await rotateAuditFolder(made.folder)
    expect(await erase(made, [alice, bob])).toEqual({ erased: 1, pseudonyms: [pseudonyms[1]] })
    expect(await readFile(made.file, 'utf8')).not.toContain('bob@')
  })

  it('is in no file any more, nor its key: of the trail, the checkpoints, a copy made before, and the keys', async () => {
    const made = await trailOfPersons()
    const parent = join(made.folder, '..')
    await copyAuditTrail(made.folder, join(parent, 'copy'), { checkpoints: made.checkpoints })
    const [row] = [...rowsIn(await readFile(made.file))].flatMap((found) => found.row ?? [])
    const [name, own = ''] = [row?.name, row?.key.toString('base64url')]
    expect([name, (await allBelow(parent)).split(alice).length, (await allBelow(parent)).includes(own)]).toEqual([alice, 2, true])
    await erase(made, [alice])
    await use(made, [bob])
    const left = await allBelow(parent)
    for (const text of [alice, 'alice', own, Buffer.from(alice).toString('base64url'), Buffer.from(alice).toString('hex')])
      expect(left.includes(text), text).toBe(false)
    expect(left).toContain(bob)
  })

  it('is told by the index, with when and why, in words of a report', async () => {
    const made = await trailOfPersons()
    const { pseudonyms } = await erase(made, [alice, bob])
    await use(made, [bob])
    const verification = await verifyAuditTrail(made.folder, { key: made.key, checkpoint: made.checkpoints })
    expect(verification).toMatchObject({ ok: true, erasures: [{ pseudonyms, reason, time: expect.any(Number) }] })
    const [said] = verificationSentences(verification).filter((sentence) => sentence.includes('erased'))
    expect(said).toMatch(/^2 names of persons were erased at .* UTC: "request 17"\. The records are whole, with "erased name /)
    for (const pseudonym of pseudonyms) expect(said).toContain(`"erased name ${pseudonym}"`)
    expect(verificationSeverity(verification)).toBe('good')
  })

  it('is in plain words in a report, a list of records and CSV, as is one whose key is not given', async () => {
    const made = await trailOfPersons()
    const { pseudonyms } = await erase(made, [alice])
    const shownBy = async (file: string | undefined): Promise<string[]> => {
      const found = await verifiedTrail(made.folder, { key: made.key }, (read) => listOf(openAuditNames(read, { file })))
      const summary = await summarize(found.result)
      const formats = ['text', 'html', 'csv'] as const
      const reports = formats.flatMap((format) => [summaryReport(summary, { format }), recordsReport(found.result, { format })])
      return [...reports, (await listOfText(csvLines(found.result))).join('')]
    }
    for (const text of await shownBy(made.file)) expect(text).toContain(`erased name ${pseudonyms[0]}`)
    for (const text of await shownBy(undefined)) expect(text).toContain(`sealed name ${pseudonyms[0]}`)
    const raw = await verifiedTrail(made.folder, { key: made.key }, (read) => summarize(read))
    const html = summaryReport(raw.result, { format: 'html' })
    expect([html.includes(`sealed name ${pseudonyms[0]}`), html.includes('sealed:')]).toEqual([true, false])
  })

  it('is not erased under a legal hold, nor with a reason that names the person, nor in what is no trail', async () => {
    const made = await trailOfPersons()
    const whole = await readFile(made.file)
    await holdAuditFolder(made.folder, { reason: 'case 4711' })
    await expect(erase(made, [alice])).rejects.toMatchObject({ code: 'CONFIGURATION', message: expect.stringContaining('legal hold') })
    await releaseAuditFolder(made.folder, { reason: 'closed' })
    const named = eraseAuditNames(made.folder, { file: made.file, names: [alice], reason: `asked by ${alice.toUpperCase()}.` })
    await expect(named).rejects.toMatchObject({ code: 'CONFIGURATION', message: expect.not.stringContaining(alice) })
    await expect(erase({ ...made, folder: join(made.folder, 'none') }, [alice])).rejects.toMatchObject({ code: 'AUDIT_FAILED' })
    expect(await readFile(made.file)).toEqual(whole)
    await rotateAuditFolder(made.folder)
    expect(await eraseAuditNames(made.folder, { file: made.file, names: [alice], reason: 'malice@example.com is another' })).toMatchObject({
      erased: 1,
    })
    expect(await verifyAuditTrail(made.folder, { key: made.key })).toMatchObject({ ok: true, erasures: [{}], folders: [{}, {}] })
  })

  it('gets another pseudonym if it is used again', async () => {
    const made = await trailOfPersons()
    await erase(made, [alice])
    await use(made, [alice])
    const actors = (await records(made)).map(({ actor }) => actor)
    expect([actors[0], actors.at(-1)]).toEqual([expect.stringMatching(/^erased name /), alice])
  })

  it('is all there is once the file is gone', async () => {
    const made = await trailOfPersons()
    await writeFile(made.file, '')
    const actors = new Set((await records(made)).map(({ actor }) => actor))
    expect([...actors].map((actor) => actor?.slice(0, 7))).toEqual(['sealed ', 'sealed ', undefined])
    await rm(made.file)
    await expect(records(made)).rejects.toMatchObject({ code: 'AUDIT_FAILED' })
    execFileSync('mkfifo', [made.file])
    await expect(records(made)).rejects.toMatchObject({ code: 'AUDIT_FAILED' })
    await expect(erase(made, [alice])).rejects.toMatchObject({ code: 'AUDIT_FAILED' })
    expect(await verifyAuditTrail(made.folder, { key: made.key })).toMatchObject({ ok: true, records: 4 })
  })

  it('leaves no key in the file, nor one that a dying process left half written', async () => {
    const made = await trailOfPersons()
    const rows = (await readFile(made.file, 'utf8')).split('\n').filter((row) => row !== '')
    await writeFile(made.file, `${rows.join('\n')}\n${rows[1]?.slice(0, 40)}`)
    await erase(made, [alice])
    const left = (await readFile(made.file, 'utf8')).split('\n').filter((row) => row.trim() !== '')
    expect(left.map((row) => row.trim())).toEqual([
      rows[0],
      expect.stringMatching(/^\{"erased":"[0-9a-f]{32}","v":1\}$/),
      rows[2],
      expect.stringMatching(/^\{"erasedAt":\d+,"v":1\}$/),
    ])
  })
})

describe('a record whose name cannot be sealed', () => {
  it('is refused, and so is the next, until the keys can be written', async () => {
    const made = await testFolder()
    const file = join(made.folder, '..', 'later', 'names.key')
    mkdirSync(join(file, '..'))
    const sink = jsonLinesFile({ folder: made.folder, checkpoints: { to: made.checkpoints } })
    const audit = auditTrail({ sinks: [sink], sealNames: { file }, sinkDeadlineMs: 60_000 })
    rmSync(join(file, '..'), { recursive: true })
    const record = (): Promise<void> => audit.record({ ...event, actor: alice }, context)
    await expect(record()).rejects.toMatchObject({ code: 'AUDIT_FAILED', message: expect.stringContaining('the keys of names') })
    mkdirSync(join(file, '..'))
    await record()
    await audit.close?.(context)
    expect((await records({ ...made, file })).map(({ actor, seq }) => [actor, seq])).toEqual([[alice, 1]])
  })

  it.each([
    ['no path', { file: '' }],
    ['a folder that is not there', { file: '/none/names.key' }],
    ['another member', { file: 'names.key', of: ['host'] }],
    ['no member', { file: 'names.key', of: [] }],
    ['an unknown option', { path: 'names.key' }],
  ])('is not met by %s, which is CONFIGURATION', (_, sealNames) => {
    const sink = { specificationVersion: 'v1', name: 'x', write: async () => {} } as const
    expect(() => auditTrail({ sinks: [sink], sealNames: sealNames as SealNamesOptions })).toThrow(
      expect.objectContaining({ code: 'CONFIGURATION' }),
    )
  })

  it('cannot be hashed too', () => {
    const sink = { specificationVersion: 'v1', name: 'x', write: async () => {} } as const
    const options = {
      sinks: [sink],
      hashNames: crypto.getRandomValues(new Uint8Array(32)),
      sealNames: { file: 'names.key', of: ['name'] },
    } as const
    expect(() => auditTrail(options)).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }))
  })
})

it.each([[[]], [['']], ['alice'], [[5]]])('erases no %j', async (names) => {
  const made = await trailOfPersons()
  await expect(erase(made, names as string[])).rejects.toMatchObject({ code: 'CONFIGURATION' })
})
