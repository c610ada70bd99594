import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { gathered } from '../testing/gathered.ts'
import { readAuditRecords } from './records-reader.ts'

const header = (step: number): string => `{"folder":"f","host":"h","kind":"segment","pid":1,"step":${step},"time":1,"v":2}\n`
const record = (seq: number): string => `{"name":"token","operation":"get","phase":"outcome","seq":${seq},"time":1,"trail":"t","v":1}\n`
const seal = (group: number, records: number): string =>
  `{"group":${group},"kind":"seal","mac":"m","records":${records},"start":${group}}\n`

let folder: string
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'audit-records-'))))
afterEach(() => rm(folder, { recursive: true }))

async function read(most?: number): Promise<number[]> {
  return (await gathered(readAuditRecords(folder, most))).map(({ seq }) => seq)
}

describe('the reader of records', () => {
  it('gives what is sealed, in the order of the segments, and leaves out a torn tail and foreign files', async () => {
    await writeFile(join(folder, 'segment-00000002.jsonl'), header(2) + seal(0, 0) + record(4) + seal(1, 1))
    await writeFile(join(folder, 'segment-00000001.jsonl'), header(1) + seal(0, 0) + record(1) + record(2) + seal(1, 2) + record(3))
    await writeFile(join(folder, 'foreign.jsonl'), record(99) + seal(1, 1))
    expect(await read()).toEqual([1, 2, 4])
    expect(await read(2)).toEqual([1, 2])
    expect(await read(0)).toEqual([])
  })

  it('gives each segment once, compressed or not, though there is a copy of it', async () => {
    const segment = (step: number, seq: number): string => header(step) + seal(0, 0) + record(seq) + seal(1, 1)
    await writeFile(join(folder, 'a-copy.jsonl'), segment(1, 7))
    await writeFile(join(folder, 'segment-00000001.jsonl'), segment(1, 1))
    await writeFile(join(folder, 'segment-00000001.jsonl.bak'), segment(1, 8))
    await writeFile(join(folder, 'segment-00000003.jsonl.gz'), gzipSync(segment(3, 2)))
    expect(await read()).toEqual([1, 2])
  })

  it('says so when there is no such folder', async () => {
    const none = join(folder, 'none')
    const problem = `the folder of the trail cannot be read: ${JSON.stringify(none)}`
    await expect(gathered(readAuditRecords(none))).rejects.toMatchObject({ code: 'AUDIT_FAILED', problem })
  })

  it('refuses what is no path', async () => {
    const refusal = { code: 'CONFIGURATION', problem: '`folder` is not a path' }
    for (const path of ['', 'x\0y']) await expect(gathered(readAuditRecords(path))).rejects.toMatchObject(refusal)
    // @ts-expect-error what a caller without types may write
    await expect(gathered(readAuditRecords(undefined))).rejects.toMatchObject(refusal)
  })
})
