import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { jsonLinesFile } from '../file/file-sink.ts'
import { aRecord } from '../testing/sample-records.ts'
import { context, removeTestFolders, testFolder } from '../testing/folders.ts'
import { verifyAuditTrail } from './verify-audit-trail.ts'

afterAll(removeTestFolders)

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** The same 32 bytes: of the last of 43 characters, two bits say nothing. */
function otherText(mac: string): string {
  const last = alphabet.indexOf(mac.at(-1) ?? '')
  return `${mac.slice(0, -1)}${alphabet[last ^ 1]}`
}

const edits: readonly (readonly [string, (line: string) => string])[] = [
  ['a space', (line) => line.replace('":', '": ')],
  ['a number written otherwise', (line) => line.replace(/:(\d+)([,}])/, ':$1.0$2')],
  ['a member that stands there twice', (line) => line.replace('{', '{"kind":"seal",').replace('"kind":"seal","kind"', '"kind"')],
  ['members in another order', (line) => JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(line) as object).toReversed()))],
  ['another text for the same MAC', (line) => line.replace(/"mac":"([^"]+)"/, (_, mac: string) => `"mac":"${otherText(mac)}"`)],
]

describe.each([
  ['a seal of a segment that nobody ended', 'segment-00000001.jsonl', 3],
  ['a line of the index', 'index.jsonl', 1],
])('%s, which means the same and is written otherwise', (_, file, at) => {
  it.each(edits)('is found: %s', async (__, edit) => {
    const { folder, key } = await testFolder()
    const sink = jsonLinesFile({ folder, durable: false })
    for (const seq of [1, 2]) await sink.write(aRecord({ seq }), context)
    const path = join(folder, file)
    const lines = (await readFile(path, 'utf8')).split('\n')
    const edited = lines.with(at, edit(lines[at] ?? ''))
    expect(edited).not.toEqual(lines)
    await writeFile(path, edited.join('\n'))
    const { ok, problem } = await verifyAuditTrail(folder, { key })
    expect([ok, problem?.file, problem?.what]).toEqual([false, file, expect.stringMatching(/edited|missing/)])
    await sink.close?.(context).catch(() => {})
  })
})
