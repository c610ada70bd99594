import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test, vi } from 'vitest'
import { columns } from './sqlite/row-codecs.ts'
import { plantBomb } from './testing/page-bomb.ts'
import { context, failure, opened, otherKey, tamper, temporaryPath, within } from './testing/temporary-store.ts'

async function smallStore(): Promise<string> {
  const path = temporaryPath()
  await within(path, async (provider) => {
    for (const name of ['alpha', 'beta']) await provider.put(name, { value: 'value', tags: { team: 'pay' } }, context)
  })
  return path
}

describe('a file that is not a store', () => {
  test('text, or another SQLite database, is CONFIGURATION and is left as it is', async () => {
    const [text, database] = [temporaryPath(), temporaryPath()]
    writeFileSync(text, 'TOKEN=secret\n'.repeat(500))
    tamper(database, 'CREATE TABLE t (a); INSERT INTO t VALUES (1)')
    for (const path of [text, database]) {
      const before = readFileSync(path)
      expect(await failure(opened(path).get('alpha', context))).toMatchObject({
        code: 'CONFIGURATION',
        problem: expect.stringMatching('not a secrets store'),
      })
      expect(readFileSync(path)).toEqual(before)
    }
  })

  test('a store of a later format is CONFIGURATION with a remedy', async () => {
    const path = await smallStore()
    tamper(path, 'PRAGMA user_version=4')
    expect(await failure(opened(path).get('alpha', context))).toMatchObject({
      code: 'CONFIGURATION',
      problem: expect.stringMatching('format 4'),
      remedy: expect.stringMatching('update'),
    })
  })

  test('scrypt parameters that are too cheap or too costly are INTEGRITY and are never run', async () => {
    const costs = ['log2n = 15', 'log2n = 21', 'log2n = 20, scrypt_p = 2', 'r = 7', 'r = 9', 'p = 0', 'p = 17'].map(
      (cost) => `scrypt_${cost}`,
    )
    const scrypt = vi.spyOn(process.getBuiltinModule('node:crypto'), 'scrypt')
    for (const cost of costs) {
      const path = await smallStore()
      tamper(path, `UPDATE store SET ${cost}`)
      expect((await failure(opened(path, { key: 'a passphrase of more than 32 bytes' }).get('alpha', context))).code, cost).toBe(
        'INTEGRITY',
      )
    }
    expect(scrypt).not.toHaveBeenCalled()
    scrypt.mockRestore()
  })

  test('a store under another key is CONFIGURATION for every call', async () => {
    const path = await smallStore()
    const provider = opened(path, { key: otherKey })
    const calls = [
      provider.get('never', context),
      provider.checkHealth(context),
      provider.put('new', { value: '' }, context),
      provider.reencrypt(),
    ]
    for (const outcome of await Promise.all(calls.map(failure))) {
      expect(outcome).toMatchObject({
        code: 'CONFIGURATION',
        problem: 'the encryption key does not open this store',
      })
    }
  })
})

describe('a store whose tables are altered while it is open', () => {
  const recursive = 'WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c)'
  const alterations: Readonly<Record<string, string>> = {
    'by a trigger that keeps what is removed':
      'CREATE TABLE stash (x); CREATE TRIGGER t BEFORE DELETE ON secrets BEGIN INSERT INTO stash VALUES (old.sealed); END',
    'by a trigger that drops what is written': 'CREATE TRIGGER t BEFORE INSERT ON secrets BEGIN SELECT RAISE(IGNORE); END',
    'by a view without end in place of a table': `ALTER TABLE secrets RENAME TO s; CREATE VIEW secrets AS ${recursive} SELECT s.* FROM s, c`,
  }
  for (const [how, sql] of Object.entries(alterations)) {
    test(`${how} rejects reads and writes`, async () => {
      const path = await smallStore()
      const provider = opened(path)
      await provider.get('alpha', context)
      tamper(path, sql)
      const calls = [
        provider.get('alpha', context),
        provider.put('alpha', { value: '' }, context),
        provider.delete('alpha', { purge: true }, context),
        provider.prune({ keepVersions: 1 }),
      ]
      for (const outcome of await Promise.all(calls.map(failure)))
        expect(outcome).toMatchObject({ code: 'INTEGRITY', problem: "the store's tables were altered" })
    })
  }

  test('works again after the tables are restored', async () => {
    const path = await smallStore()
    const provider = opened(path)
    await provider.get('alpha', context)
    tamper(path, 'CREATE TABLE other (a)')
    expect((await failure(provider.get('alpha', context))).code).toBe('INTEGRITY')
    tamper(path, 'DROP TABLE other')
    expect((await provider.get('alpha', context))?.value).toBe('value')
  })
})

describe('a column longer than any that we write is INTEGRITY and is not loaded', () => {
  const rows: Readonly<Record<string, readonly [column: string, sql: string, select: string]>> = {
    'the salt': ['salt', 'UPDATE store SET salt = zeroblob(9999)', `${columns.header} FROM store`],
    'a MAC': ['mac', 'UPDATE root SET mac = zeroblob(9999)', `${columns.root} FROM root`],
    'the digests of buckets': ['buckets', 'UPDATE root SET buckets = zeroblob(9999)', `${columns.buckets} FROM root`],
    'a digest': ['digest', 'UPDATE secrets SET digest = zeroblob(9999)', `${columns.leafEntry} FROM secrets`],
    'a key': ['wrapped', 'UPDATE keys SET wrapped = zeroblob(9999)', `${columns.key} FROM keys`],
    'the names of retired keys': ['retired', 'UPDATE upkeep SET retired = zeroblob(99999)', `${columns.retired} FROM upkeep`],
    'a value': ['sealed', 'UPDATE secrets SET sealed = zeroblob(1048605)', `${columns.sealed} FROM secrets`],
    'a seal': ['seal', 'UPDATE secrets SET sealed = zeroblob(1048605)', `${columns.version} FROM secrets`],
    'a path': ['path', "UPDATE secrets SET path = printf('%.9999c', 'x') || version", `${columns.leafEntry} FROM secrets`],
    facts: ['facts', "UPDATE secrets SET facts = printf('%.999999c', 'x')", `${columns.record} FROM secrets`],
  }
  for (const [what, [column, sql, select]] of Object.entries(rows)) {
    test(`as ${what} may be`, async () => {
      const path = await smallStore()
      tamper(path, sql)
      expect((await failure(opened(path).get('alpha', context))).code).toBe('INTEGRITY')
      const sqlite = new DatabaseSync(path)
      expect(sqlite.prepare(`SELECT ${select}`).get()?.[column]).toBeNull()
      sqlite.close()
    })
  }
})

describe('a table that returns the same rows without end', () => {
  for (const table of ['keys', 'secrets']) {
    test(`is INTEGRITY at once in ${table}`, async () => {
      const path = temporaryPath()
      await within(path, (provider) => provider.put('a', { value: '' }, context))
      plantBomb(path, table)
      const script = join(import.meta.dirname, 'testing/reading-process.ts')
      const node = ['--conditions=@finchat/source', '--disable-warning=ExperimentalWarning', script, path, 'a']
      expect(execFileSync(process.execPath, node, { timeout: 50_000, killSignal: 'SIGKILL' }).toString()).toBe('INTEGRITY')
    })
  }
})

describe('metadata in the file of another form', () => {
  const forms: Readonly<Record<string, string>> = {
    'nested without end': '['.repeat(100_000) + ']'.repeat(100_000),
    'a number': '5',
    null: 'null',
    'an empty array': '[]',
    'with a tag that is no text': '[1,1,null,null,null,{"team":5}]',
    'with a prototype': '[1,1,null,null,null,{"__proto__":{"team":"pay"}}]',
    'written otherwise': '[1, 1, null, null, null, {"team":"pay"}]',
    'there twice': '[1,1,null,null,null,{"team":"x","team":"pay"}]',
  }
  for (const [what, json] of Object.entries(forms)) {
    test(`${what} are INTEGRITY and are not parsed`, async () => {
      const path = await smallStore()
      const sqlite = new DatabaseSync(path)
      sqlite.prepare("UPDATE secrets SET facts = ? WHERE path = 'alpha' AND version = 0").run(json)
      sqlite.close()
      const parse = vi.spyOn(JSON, 'parse')
      expect((await failure(opened(path).get('alpha', context))).code).toBe('INTEGRITY')
      expect(parse).not.toHaveBeenCalledWith(json)
      parse.mockRestore()
    })
  }
})
