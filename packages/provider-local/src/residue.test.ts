import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { LocalProvider } from './local-provider.ts'
import { bytesOnDisk, context, failure, key, opened, otherKey, tamper, temporaryPath, within } from './testing/temporary-store.ts'

vi.setConfig({ testTimeout: 60_000 }) // starts processes

interface Row {
  readonly version: number
  readonly sealed: Buffer
}

function looked<T>(path: string, look: (sqlite: DatabaseSync) => T): T {
  const sqlite = new DatabaseSync(path)
  try {
    return look(sqlite)
  } finally {
    sqlite.close()
  }
}

function rowsOf(path: string): Row[] {
  const rows = looked(path, (sqlite) => sqlite.prepare('SELECT version, sealed FROM secrets WHERE version > 0').all())
  // a BLOB
  return rows.map(({ version, sealed }) => ({ version: Number(version), sealed: Buffer.from(sealed as Uint8Array) }))
}

function residueOf(path: string): unknown {
  return looked(path, (sqlite) => sqlite.prepare('SELECT residue FROM upkeep').get()?.['residue'])
}

/** A reader that prevents rewriting the file and emptying its log. */
function reader(path: string): DatabaseSync {
  const sqlite = new DatabaseSync(path)
  onTestFinished(() => (sqlite.isOpen ? sqlite.close() : undefined))
  sqlite.exec('BEGIN')
  sqlite.prepare('SELECT count(*) FROM secrets').get()
  return sqlite
}

async function filled(path: string): Promise<void> {
  await within(path, async (provider) => {
    for (const value of ['v1', 'v2']) await provider.put('name', { value }, context)
    await provider.staging.put('name', { value: 'pending' }, context)
  })
}

/** Another process removes something and is killed between its commit and erasing. */
async function killedWhile(what: string, path: string, when: string): Promise<void> {
  const script = join(import.meta.dirname, 'testing/removing-process.ts')
  const child = spawn(process.execPath, ['--conditions=@finchat/source', '--no-warnings', script, path, what, when])
  const [, signal] = await once(child, 'exit')
  expect(signal).toBe('SIGKILL')
}

const uses: readonly ((provider: LocalProvider) => Promise<unknown>)[] = [
  (provider) => provider.put('other', { value: 'other' }, context),
  async (provider) => {
    await provider.checkHealth(context)
    await provider.close()
  },
]

/** For each row, whether its nonce is in the file or its log. */
function onDisk(path: string, rows: readonly Row[]): boolean[] {
  const bytes = bytesOnDisk(path)
  return rows.map(({ sealed }) => bytes.includes(sealed.subarray(0, 12)))
}

const windows = ['before the file is written anew', 'after the file is written anew', 'before the log is emptied']

describe.each(['purge', 'prune', 'discard', 'reencrypt'])('a process killed after the commit of %s', (what) => {
  const isOld = ({ version }: Row): boolean => what === 'purge' || what === 'reencrypt' || version === (what === 'prune' ? 1 : 3)

  test.each(windows)('%s, leaves its residue to the next process that writes or closes', async (when) => {
    for (const use of uses) {
      const path = temporaryPath()
      await filled(path)
      const old = rowsOf(path).filter(isOld)
      expect(old.length).toBeGreaterThan(0)
      await killedWhile(what, path, when)
      expect(onDisk(path, old)).toEqual(old.map(() => true))
      expect(residueOf(path) === 0).toBe(when === 'before the log is emptied')
      await use(opened(path, { keys: what === 'reencrypt' ? [otherKey, key] : [key] }))
      expect(onDisk(path, old)).toEqual(old.map(() => false))
      expect(residueOf(path)).toBe(0)
    }
  })
})

test('the next process rewrites the file if the store records residue, and only then', async () => {
  for (const residue of [0, 3]) {
    const path = temporaryPath()
    await filled(path)
    const row = `INSERT INTO t VALUES ('canary-in-a-free-page' || hex(zeroblob(20000)))`
    tamper(path, `PRAGMA secure_delete=OFF; CREATE TABLE t (a); ${row}; DROP TABLE t; UPDATE upkeep SET residue = ${residue}`)
    expect(bytesOnDisk(path).includes('canary-in-a-free-page')).toBe(true)
    await within(path, (provider) => provider.checkHealth(context))
    expect(bytesOnDisk(path).includes('canary-in-a-free-page')).toBe(residue === 0)
    expect(residueOf(path)).toBe(0)
  }
})

describe('a store that is closed while a reader delays erasing', () => {
  /** The warnings of a purge whose caller gives up after the commit, and of the close after it. */
  async function warnedOf(path: string, beforeClose: (held: DatabaseSync) => void): Promise<readonly unknown[][]> {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const [provider, giveUp] = [opened(path), new AbortController()]
    await provider.put('name', { value: 'value' }, context)
    const held = reader(path)
    const purging = failure(provider.delete('name', { purge: true }, { signal: giveUp.signal }))
    await expect.poll(() => rowsOf(path)).toEqual([])
    giveUp.abort()
    expect(await purging).toMatchObject({ code: 'ABORTED', effect: 'done' })
    beforeClose(held)
    await provider.close()
    const { calls } = warn.mock
    warn.mockRestore()
    // as we pass them
    return calls.filter(([, options]) => (options as { type?: string } | undefined)?.type === 'SecretsWarning')
  }

  test('warns, and leaves the residue to the next process', async () => {
    const path = temporaryPath()
    const warnings = await warnedOf(path, () => {})
    expect(warnings).toEqual([
      [
        `The local store in ${JSON.stringify(path)} was closed before removed values were erased from its file and log. ` +
          'The next process erases them when it writes or closes',
        { type: 'SecretsWarning', code: 'FINCHAT_SECRETS_RESIDUE' },
      ],
    ])
  })

  test('does not warn if the reader has gone', async () => {
    const path = temporaryPath()
    expect(await warnedOf(path, (held) => held.close())).toEqual([])
  })
})
