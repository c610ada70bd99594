import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { rotateAuditFolder } from '../file/rotate-audit-folder.ts'
import { removeTestFolders, segmentsOf, type TestFolder, trailOf } from '../testing/folders.ts'
import { deriveAuditKey } from './derive-audit-key.ts'
import type { AuditVerification } from '../verify/audit-verification.ts'
import { verifyAuditTrail } from '../verify/verify-audit-trail.ts'

afterAll(removeTestFolders)

/** Segments 1, 3, 5 and 7, of five records each. */
const fourSegments = (): Promise<TestFolder> => segmentsOf(4, 5)

async function verifiedFrom(firstSegment: number, { folder, key, checkpoints }: TestFolder, isCopy = false): Promise<AuditVerification> {
  if (isCopy) await rm(join(folder, 'key.json'))
  return verifyAuditTrail(folder, { key: deriveAuditKey(key, { firstSegment }), checkpoint: checkpoints })
}

async function edit(path: string, from: string, to: string): Promise<void> {
  const text = await readFile(path, 'utf8')
  expect(text).toContain(from)
  await writeFile(path, text.replace(from, to))
}

describe('a derived key', () => {
  it.each([1, 2, 3, 5, 6, 7, 8])('verifies a trail from segment %i on, and leaves out those before', async (firstSegment) => {
    const made = await fourSegments()
    const later = [1, 3, 5, 7].filter((segment) => segment >= firstSegment)
    const { ok, problem, segments, range } = await verifiedFrom(firstSegment, made)
    expect({ ok, problem, segments: segments.map(({ segment }) => segment) }).toEqual({ ok: true, problem: undefined, segments: later })
    expect(range?.segmentsLeftOut).toBe(later.length === 4 ? undefined : 4 - later.length)
    expect(await verifiedFrom(firstSegment, made, true)).toMatchObject({ ok: true, records: 5 * later.length })
  })

  it('finds what was changed in its segments, and not in earlier ones', async () => {
    const made = await fourSegments()
    await edit(join(made.folder, 'segment-00000001.jsonl'), 'secret-1', 'secret-7')
    expect(await verifiedFrom(5, made)).toMatchObject({ ok: true })
    await edit(join(made.folder, 'segment-00000005.jsonl'), 'secret-1', 'secret-7')
    expect((await verifiedFrom(5, made)).problems).toEqual([expect.objectContaining({ segment: 5 })])
  })

  it.each([1, 2, 3])('finds line %i of the index changed, since the line after it holds its hash', async (line) => {
    const made = await fourSegments()
    const path = join(made.folder, 'index.jsonl')
    const lines = (await readFile(path, 'utf8')).split('\n')
    await writeFile(path, lines.with(line, lines[line]?.replace(/"pid":\d+/, '"pid":1') ?? '').join('\n'))
    expect((await verifiedFrom(5, made)).problem).toMatchObject({ file: 'index.jsonl', what: 'edited', line: line + 2 })
  })

  it('finds a line of the index that is missing', async () => {
    const made = await fourSegments()
    const path = join(made.folder, 'index.jsonl')
    const lines = (await readFile(path, 'utf8')).split('\n')
    await writeFile(path, lines.toSpliced(2, 1).join('\n'))
    expect(await verifiedFrom(5, made)).toMatchObject({ ok: false, problem: { file: 'index.jsonl' } })
  })

  it('derives a later one, and none that is earlier', async () => {
    const { key } = await trailOf(1)
    const third = deriveAuditKey(key, { firstSegment: 3 })
    expect(deriveAuditKey(third, { firstSegment: 5 })).toBe(deriveAuditKey(key, { firstSegment: 5 }))
    expect(deriveAuditKey(third, { firstSegment: 3 })).toBe(third)
    expect(() => deriveAuditKey(third, { firstSegment: 2 })).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }))
  })

  it('is another folder’s: that is a wrong key', async () => {
    const [made, other] = [await fourSegments(), await trailOf(1)]
    const { problem } = await verifiedFrom(3, { ...made, key: other.key, checkpoints: made.checkpoints }).catch(() =>
      verifyWithout(made, other),
    )
    expect(problem?.what).toBe('wrong key')
  })

  it('of segments that are still to come says that the index ends before', async () => {
    const made = await fourSegments()
    const { problem } = await verifyAuditTrail(made.folder, { key: deriveAuditKey(made.key, { firstSegment: 99 }) })
    expect(problem).toMatchObject({ what: 'truncated', explanation: 'the index ends before the first segment of this key' })
  })

  it('is taken as bytes, and with the line end of a file', async () => {
    const made = await fourSegments()
    const key = deriveAuditKey(made.key, { firstSegment: 3 })
    for (const form of [Buffer.from(key), `${key}\n`, Buffer.from(`${key}\r\n`)])
      expect(await verifyAuditTrail(made.folder, { key: form })).toMatchObject({ ok: true, records: 15 })
  })

  it.each(['', 'audit-key-from:3:', 'audit-key-from:x:y:z', 'audit-key:short', `audit-key-from:3:${'a'.repeat(36)}:short`, 5])(
    'is not %j',
    (text) => {
      expect(() => deriveAuditKey(text as string, { firstSegment: 9 })).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }))
    },
  )

  it.each([0, -1, 1.5, Number.NaN, 20_000_000, '3'])('begins with no segment %j', async (firstSegment) => {
    const { key } = await trailOf(1)
    expect(() => deriveAuditKey(key, { firstSegment: firstSegment as number })).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }))
  })
})

describe('a key that is derived for a folder in which the trail went on', () => {
  async function rotated(): Promise<TestFolder & { readonly second: string; readonly third: string }> {
    const made = await segmentsOf(1, 5)
    const second = (await rotateAuditFolder(made.folder)).to
    return { ...made, second, third: (await rotateAuditFolder(made.folder)).to }
  }

  it('verifies that folder and the ones after it, and none before', async () => {
    const { folder, key, second, third } = await rotated()
    const later = deriveAuditKey(key, { folder: second })
    for (const path of [second, third]) expect(await verifyAuditTrail(path, { key: later })).toMatchObject({ ok: true })
    expect((await verifyAuditTrail(folder, { key: later, alone: true })).problem?.what).toBe('wrong key')
    expect(deriveAuditKey(later, { folder: third })).toBe(deriveAuditKey(key, { folder: third }))
    expect((await verifyAuditTrail(second, { key: deriveAuditKey(key, { folder: third }) })).problem?.what).toBe('wrong key')
  })

  it('is none of the first folder, of another trail, or with a segment too', async () => {
    const [{ folder, key, second }, other] = [await rotated(), await rotated()]
    for (const options of [{ folder }, { folder: other.second }, { folder: join(folder, 'none') }, { folder: second, firstSegment: 1 }, {}])
      expect(() => deriveAuditKey(key, options), JSON.stringify(options)).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }))
  })

  it('is none if the first line of the folder names a number of epochs that is not its own', async () => {
    const { key, second } = await rotated()
    await edit(join(second, 'index.jsonl'), '"name":"","step":', '"name":"","step":1')
    expect(() => deriveAuditKey(key, { folder: second })).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }))
    await edit(join(second, 'index.jsonl'), '"name":"","step":1', '"name":"","step":9999999999')
    expect(() => deriveAuditKey(key, { folder: second })).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }))
    expect((await verifyAuditTrail(second, { key })).ok).toBe(false)
  })
})

async function verifyWithout({ folder }: TestFolder, { key }: TestFolder): Promise<AuditVerification> {
  return verifyAuditTrail(folder, { key: deriveAuditKey(key, { firstSegment: 3 }) })
}
