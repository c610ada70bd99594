import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AuditRecord, createSecretsManager } from '@finchat/secrets-core'
import { leaksOf, memoryProvider } from '@finchat/secrets-testkit'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { initAuditFolder } from '../file/init-audit-folder.ts'
import { ChainKey } from '../keys/key-chain.ts'
import { auditTrail } from '../trail/audit-trail.ts'
import { jsonLinesFile } from '../file/file-sink.ts'
import { toEcs } from '../siem/ecs.ts'
import { toOcsf } from '../siem/ocsf.ts'
import { gathered } from '../testing/gathered.ts'
import { queryRecords } from './query.ts'
import { type ReportFormat, summaryReport } from '../report/report.ts'
import { summarize } from './summarize.ts'
import { type VerifiedTrail, verifiedTrail } from './verified-trail.ts'

const canary = 'canary-of-a-secret-value'
let folder: string
let key: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'audit-verified-'))
  ;({ key } = await initAuditFolder(join(folder, 'trail')))
})
afterEach(() => rm(folder, { recursive: true }))

/** Two processes of a service, one after the other: each reads a secret a hundred times, and one that does not exist. */
async function used(): Promise<void> {
  for (const actor of ['webapp', 'job']) {
    const audit = auditTrail({ sinks: [jsonLinesFile({ folder: join(folder, 'trail') })], sinkDeadlineMs: 60_000 })
    const secrets = createSecretsManager({ providers: [memoryProvider({ secrets: { token: canary } })], audit, deadlineMs: 60_000 })
    await secrets.getSecret('token', { actor }) // a group of its own
    for (let count = 0; count < 9; count++) await Promise.all(Array.from({ length: 11 }, () => secrets.getSecret('token', { actor })))
    await secrets.getSecret('none', { actor }).catch(() => undefined)
    await secrets.close()
  }
}

const read = <Result>(by: (records: AsyncIterable<AuditRecord>) => Promise<Result>): Promise<VerifiedTrail<Result>> =>
  verifiedTrail(join(folder, 'trail'), { key }, by)

async function segments(): Promise<string[]> {
  const names = await readdir(join(folder, 'trail'))
  return names.filter((name) => name.startsWith('segment-')).map((name) => join(folder, 'trail', name))
}

describe('a verified trail', () => {
  it('gives what a manager recorded, for queries and for the summary', async () => {
    await used()
    const { verification, result } = await read((records) => gathered(queryRecords(records, { actor: 'job', outcome: 'error' })))
    expect(verification).toMatchObject({ ok: true, records: 202 })
    expect(result).toMatchObject([{ name: 'none', code: 'NOT_FOUND' }])
    const { result: summary } = await read((records) => summarize(records))
    expect(summary.reads).toBe(202)
    expect(summary.accesses[0]).toMatchObject({ name: 'token', reads: 100 })
  })

  it('gives no record that is not proven: those of an edited group are left out, and those behind it are not', async () => {
    await used()
    const [first = ''] = await segments()
    const text = await readFile(first, 'utf8')
    const at = text.lastIndexOf('"actor":"webapp"')
    await writeFile(first, `${text.slice(0, at)}"actor":"nobody"${text.slice(at + '"actor":"webapp"'.length)}`)
    const { verification, result: authentic } = await read(gathered)
    expect(verification.ok).toBe(false)
    expect([authentic.length, verification.records, verification.damaged]).toEqual([201, 201, 1])
    expect(authentic.map(({ actor }) => actor)).not.toContain('nobody')
    const report = summaryReport(await summarize(authentic), { format: 'text', verification })
    expect(report).toContain(
      'The trail is NOT as it was written: 1 of 2 segments are as they were written; in segment 1, record 101, segment-00000001.jsonl',
    )
  })

  it('overwrites its copy of the key if nothing can read, or the reader throws at once', async () => {
    const wiped = vi.spyOn(ChainKey.prototype, 'wipe')
    onTestFinished(() => wiped.mockRestore())
    const failing = async (): Promise<never> => Promise.reject(new Error('no reader'))
    await expect(verifiedTrail(join(folder, 'trail'), { key }, undefined as never)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' }) // without types
    expect(wiped).toHaveBeenCalledOnce()
    await expect(verifiedTrail(join(folder, 'trail'), { key }, failing)).rejects.toThrow('no reader')
    expect(wiped).toHaveBeenCalledTimes(2)
  })

  it('is verified to its end, whoever stops reading before', async () => {
    await used()
    const [, last = ''] = (await segments()).toSorted()
    await writeFile(last, (await readFile(last, 'utf8')).replace('"actor":"job"', '"actor":"nob"'))
    const { verification, result } = await read(async (records) => {
      for await (const record of records) return record.actor
      return undefined
    })
    expect(result).toBe('webapp')
    expect(verification).toMatchObject({ ok: false, records: 201, damaged: 1, problem: { what: 'edited', file: 'segment-00000003.jsonl' } })
  })

  it('closes its files when its reader fails', async () => {
    await used()
    await expect(read(() => Promise.reject(new RangeError('of the reader')))).rejects.toThrow('of the reader')
    await expect(
      read(async (records) => {
        for await (const { seq } of records) if (seq === 3) throw new RangeError('of the reader')
      }),
    ).rejects.toThrow('of the reader')
  })

  it('is never empty for who reads it a second time, or too late: they are told', async () => {
    await used()
    const misread = { code: 'INVALID_ARGUMENT', message: expect.stringContaining('a second time, or after their verification') }
    await expect(read(async (records) => [await summarize(records), await summarize(records)])).rejects.toMatchObject(misread)
    const { verification, result } = await read(async (records) => ({ later: queryRecords(records, { outcome: 'error' }) }))
    expect(verification).toMatchObject({ ok: true, records: 202 })
    await expect(gathered(result.later)).rejects.toMatchObject(misread)
  })

  it('says so where nothing is to read it', async () => {
    // @ts-expect-error: what a program without types can leave out
    await expect(read()).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', message: expect.stringContaining('not a function') })
  })

  it('vouches for what a SIEM shows: its hashes are those of the lines', async () => {
    await used()
    const { result: all } = await read(gathered)
    const lines = (await Promise.all((await segments()).toSorted().map((path) => readFile(path, 'utf8')))).join('').split('\n')
    const hashes = lines.filter((line) => line.includes('"seq":')).map((line) => createHash('sha256').update(line).digest('hex'))
    expect(all.map((record) => toOcsf(record).raw_data_hash['value'])).toEqual(hashes)
    expect(all.map((record) => toEcs(record).event['hash'])).toEqual(hashes)
  })

  it.each<ReportFormat>(['text', 'json', 'csv', 'html'])('reports no value, as %s', async (format) => {
    await used()
    const { verification, result: records } = await read(gathered)
    const report = summaryReport(await summarize(records), { format, verification })
    expect(report).toContain('token')
    expect(leaksOf([report, records], canary)).toEqual([])
  })
})
