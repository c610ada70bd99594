import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSecretsManager } from '@finchat/secrets-core'
import { leaksOf, memoryProvider } from '@finchat/secrets-testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { initAuditFolder } from '../audit-folder.ts'
import { auditTrail } from '../audit-trail.ts'
import { jsonLinesFile } from '../json-lines-file.ts'
import { toEcs } from '../mappings/ecs.ts'
import { toOcsf } from '../mappings/ocsf.ts'
import { gathered } from '../testing/gathered.ts'
import { queryRecords } from './audit-query.ts'
import { type ReportFormat, summaryReport } from './audit-report.ts'
import { summarize } from './summarize.ts'
import { verifiedTrail } from './verified-trail.ts'

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
    const audit = auditTrail({ sinks: [jsonLinesFile({ folder: join(folder, 'trail') })] })
    const secrets = createSecretsManager({ providers: [memoryProvider({ secrets: { token: canary } })], audit })
    for (let count = 0; count < 100; count++) await secrets.getSecret('token', { actor })
    await secrets.getSecret('none', { actor }).catch(() => undefined)
    await secrets.close()
  }
}

async function segments(): Promise<string[]> {
  const names = await readdir(join(folder, 'trail'))
  return names.filter((name) => name.startsWith('segment-')).map((name) => join(folder, 'trail', name))
}

describe('a verified trail', () => {
  it('gives what a manager recorded, for queries and for the summary', async () => {
    await used()
    const { verification, records } = await verifiedTrail(join(folder, 'trail'), { key })
    expect(verification).toMatchObject({ ok: true, records: 202 })
    expect(await gathered(queryRecords(records, { actor: 'job', outcome: 'error' }))).toMatchObject([{ name: 'none', code: 'NOT_FOUND' }])
    const { accesses, reads } = await summarize(records)
    expect(reads).toBe(202)
    expect(accesses[0]).toMatchObject({ name: 'token', reads: 100 })
  })

  it('gives no record that is not proven: those of an edited group, and behind it, are left out', async () => {
    await used()
    const [first = ''] = await segments()
    const text = await readFile(first, 'utf8')
    const at = text.lastIndexOf('"actor":"webapp"')
    await writeFile(first, `${text.slice(0, at)}"actor":"nobody"${text.slice(at + '"actor":"webapp"'.length)}`)
    const { verification, records } = await verifiedTrail(join(folder, 'trail'), { key })
    expect(verification.ok).toBe(false)
    const authentic = await gathered(records)
    expect(authentic).toHaveLength(verification.records)
    expect(authentic.map(({ actor }) => actor)).not.toContain('nobody')
    const report = summaryReport(await summarize(records), { format: 'text', verification })
    expect(report).toContain('The trail is NOT as it was written: edited in segment-00000001.jsonl')
  })

  it('vouches for what a SIEM shows: its hashes are those of the lines', async () => {
    await used()
    const { records } = await verifiedTrail(join(folder, 'trail'), { key })
    const lines = (await Promise.all((await segments()).toSorted().map((path) => readFile(path, 'utf8')))).join('').split('\n')
    const hashes = lines.filter((line) => line.includes('"seq":')).map((line) => createHash('sha256').update(line).digest('hex'))
    const all = await gathered(records)
    expect(all.map((record) => toOcsf(record).raw_data_hash['value'])).toEqual(hashes)
    expect(all.map((record) => toEcs(record).event['hash'])).toEqual(hashes)
  })

  it.each<ReportFormat>(['text', 'json', 'html'])('reports no value, as %s', async (format) => {
    await used()
    const { verification, records } = await verifiedTrail(join(folder, 'trail'), { key })
    const report = summaryReport(await summarize(records), { format, verification })
    expect(report).toContain('token')
    expect(leaksOf([report, await gathered(records)], canary)).toEqual([])
  })
})
