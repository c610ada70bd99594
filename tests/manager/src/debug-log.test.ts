import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { leaksOf } from '@finchat/secrets-testkit'
import { describe, expect, test } from 'vitest'

const canary = 'c4n4ry of a debug log'

/** The lines that a process prints which reads, verifies and writes the canary. */
async function linesWith(section: string): Promise<string[]> {
  const program = join(import.meta.dirname, 'testing/debug-process.ts')
  const flags = ['--conditions=@finchat/source', '--disable-warning=FINCHAT_SECRETS_DEGRADED']
  const env = { PATH: process.env['PATH'], NODE_DEBUG: section }
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [...flags, program, canary], { env })
  expect(leaksOf([stdout, stderr], canary)).toEqual([])
  return stderr
    .split('\n')
    .filter((line) => line.startsWith('FINCHAT-SECRETS'))
    .map((line) => line.replace(/^FINCHAT-SECRETS(-HASHED)? \d+: /, '').replaceAll(/[\d.]+ ms/g, 'N ms'))
}

describe('NODE_DEBUG', () => {
  test('=finchat-secrets prints each step of an operation: provider, code, time and cache, and no value', async () => {
    const lines = await linesWith('finchat-secrets')
    expect(lines[0]).toBe('get "db": first NOT_FOUND N ms; vault UNAVAILABLE N ms; store ok N ms; from store, degraded (N ms)')
    expect(lines[1]).toBe('get "db": first NOT_FOUND N ms; vault UNAVAILABLE N ms; store ok N ms; from memory, degraded (N ms)')
    expect(lines[2]).toBe('get "denied": first NOT_FOUND N ms; vault PERMISSION_DENIED N ms; PERMISSION_DENIED (N ms)')
    expect(lines[3]).toBe('get "none": first NOT_FOUND N ms; vault UNAVAILABLE N ms; store NOT_FOUND N ms; UNAVAILABLE (N ms)')
    expect(lines.slice(4, 6).toSorted()).toEqual([lines[1], lines[2]])
    expect(lines[6]).toMatch(/^verify "db": .*from memory, degraded, matched current \(N ms\)$/)
    expect(lines[7]).toMatch(/^verify "db": .*degraded, matched none \(N ms\)$/)
    expect(lines[8]).toMatch(/^store "new": (ok|[A-Z_]+) \(N ms\)$/)
    expect(lines.length).toBe(9)
  })

  test('=finchat-secrets-hashed shows equal names as equal, and no name', async () => {
    const lines = await linesWith('finchat-secrets-hashed')
    expect(lines.length).toBe(9)
    for (const line of lines) expect(line).toMatch(/^\w+ #[0-9a-f]{16}: /)
    const names = lines.map((line) => line.split(' ')[1])
    expect(names[1]).toBe(names[0])
    expect(names[2]).not.toBe(names[0])
    expect(lines.join('\n')).not.toMatch(/\b(db|denied|none|new)"?:/)
  })

  test.each(['finchat-secrets*', 'finchat-*'])('=%s hashes, since both ask', async (section) => {
    expect((await linesWith(section))[0]).toMatch(/^get #/)
  })

  test.each(['', 'http', 'finchat'])('=%s prints nothing', async (section) => {
    expect(await linesWith(section)).toEqual([])
  })
})
