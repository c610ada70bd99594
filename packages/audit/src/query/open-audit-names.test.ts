import { mkdirSync, rmSync } from 'node:fs'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AuditRecord } from '@finchat/secrets-core'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { jsonLinesFile } from '../file/file-sink.ts'
import { summaryReport } from '../report/report.ts'
import { eraseAuditNames } from '../retention/erase-audit-names.ts'
import { context, event, removeTestFolders, type TestFolder, testFolder } from '../testing/folders.ts'
import { auditTrail } from '../trail/audit-trail.ts'
import type { SealNamesOptions } from '../trail/trail-options.ts'
import { verifyAuditTrail } from '../verify/verify-audit-trail.ts'
import { openAuditNames } from './open-audit-names.ts'
import { queryRecords } from './query.ts'
import { summarize } from './summarize.ts'
import { verifiedTrail } from './verified-trail.ts'

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
  const audit = auditTrail({ sinks: [sink], sealNames: { file, of } })
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

async function textOfFolder(folder: string): Promise<string> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.jsonl'))
  return (await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')))).join('')
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
    const audit = auditTrail({ sinks: [jsonLinesFile({ folder })], hashNames, sealNames: { file: join(folder, '..', 'names.key') } })
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

describe('a name that is erased', () => {
  it('is a pseudonym, the same in each record, while others stay and the trail verifies', async () => {
    const made = await trailOfPersons()
    expect(await eraseAuditNames(made.file, [alice])).toEqual({ erased: 1 })
    const [first, second, third] = (await records(made)).map(({ actor }) => actor)
    expect([first, second, third]).toEqual([expect.stringMatching(/^sealed:[0-9a-f]{16}$/), bob, first])
    expect(await readFile(made.file, 'utf8')).not.toContain(alice)
    expect(await eraseAuditNames(made.file, [alice])).toEqual({ erased: 0 })
  })

  it('gets another pseudonym if it is used again', async () => {
    const made = await trailOfPersons()
    await eraseAuditNames(made.file, [alice])
    await use(made, [alice])
    const actors = (await records(made)).map(({ actor }) => actor)
    expect([actors[0], actors.at(-1)]).toEqual([expect.stringMatching(/^sealed:/), alice])
  })

  it('is all there is once the file is gone', async () => {
    const made = await trailOfPersons()
    await writeFile(made.file, '')
    const actors = new Set((await records(made)).map(({ actor }) => actor))
    expect([...actors].map((actor) => actor?.slice(0, 7))).toEqual(['sealed:', 'sealed:', undefined])
    await rm(made.file)
    await expect(records(made)).rejects.toMatchObject({ code: 'AUDIT_FAILED' })
    expect(await verifyAuditTrail(made.folder, { key: made.key })).toMatchObject({ ok: true, records: 4 })
  })

  it('leaves no key in the file, nor one that a dying process left half written', async () => {
    const made = await trailOfPersons()
    const rows = (await readFile(made.file, 'utf8')).split('\n').filter((row) => row !== '')
    await writeFile(made.file, `${rows.join('\n')}\n${rows[0]?.slice(0, 40)}`)
    await eraseAuditNames(made.file, [alice])
    const left = (await readFile(made.file, 'utf8')).split('\n').filter((row) => row.trim() !== '')
    expect(left).toEqual([rows[1]])
  })
})

describe('a record whose name cannot be sealed', () => {
  it('is refused, and so is the next, until the keys can be written', async () => {
    const made = await testFolder()
    const file = join(made.folder, '..', 'later', 'names.key')
    mkdirSync(join(file, '..'))
    const sink = jsonLinesFile({ folder: made.folder, checkpoints: { to: made.checkpoints } })
    const audit = auditTrail({ sinks: [sink], sealNames: { file } })
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
  const { file } = await trailOfPersons()
  await expect(eraseAuditNames(file, names as string[])).rejects.toMatchObject({ code: 'CONFIGURATION' })
})
