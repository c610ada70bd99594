import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test, vi } from 'vitest'
import type { LocalProvider } from './local-provider.ts'
import { bytesOnDisk, collected, context, failure, key as testKey, opened, tamper, temporaryPath } from './testing/temporary-store.ts'

vi.setConfig({ testTimeout: 30_000 }) // stretching passphrases is meant to be slow

const key = '00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff'
const passphrase = 'the passphrase of the fixture of format 1'

function fixture(name: string): string {
  const path = temporaryPath()
  copyFileSync(join(import.meta.dirname, '../fixtures', name), path)
  return path
}

function formatOf(path: string): unknown {
  const sqlite = new DatabaseSync(path, { readOnly: true })
  const format = sqlite.prepare('PRAGMA user_version').get()?.['user_version']
  sqlite.close()
  return format
}

for (const format of [1, 2]) {
  const name = `version-${format}.db`

  test(`a store of format ${format} reads as it was written`, async () => {
    const path = fixture(name)
    expect(formatOf(path)).toBe(format)
    const store = opened(path, { keys: [key, passphrase] })
    expect((await store.get('sealed/by-passphrase', context))?.value).toBe('opens with the passphrase')
    expect(await store.get('versions', context)).toMatchObject({ value: '', version: 4 })
    expect(await store.getVersion('versions', 'previous', context)).toMatchObject({ value: '00123', version: 3 })
    expect((await store.describe('versions', context))?.versions?.map(({ version }) => version)).toEqual([2, 3, 4])
    expect(await store.get('binary', context)).toMatchObject({ value: Uint8Array.of(0, 255, 10), version: 7 })
    expect(await store.get('map', context)).toMatchObject({ value: '{"user":"app","password":"p\u00e4ss"}', shape: 'map' })
    expect(await store.staging.get('staged', context)).toMatchObject({ value: 'pending', version: 2 })
    expect((await failure(store.get('withdrawn', context))).code).toBe('DELETED')
    expect(await store.get('purged', context)).toBeUndefined()
    const listed = ['binary', 'map', 'sealed/by-passphrase', 'staged', 'versions']
    const paths = (await collected(store.list('', context))).map((secret) => secret.path)
    expect(paths.filter((each) => each !== 'many' && each !== 'gaps')).toEqual(listed)
  })

  test(`a store of format ${format} remembers which key was retired`, async () => {
    const retired = 'ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100'
    expect(await failure(opened(fixture(name), { key: retired }).get('map', context))).toMatchObject({
      code: 'CONFIGURATION',
      problem: 'the encryption key was replaced, and `reencrypt` has retired it',
    })
  })

  test(`a store of format ${format} takes writes, and still knows which numbers were used`, async () => {
    const store = opened(fixture(name), { key: passphrase })
    expect((await store.put('purged', { value: 'again' }, context)).version).toBe(2)
    await store.restore('withdrawn', context)
    expect((await store.describe('withdrawn', context))?.version).toBe(1)
    expect((await store.describe('versions', context))?.tags).toEqual({ stage: 'test', team: 'pay' })
  })
}

const many = { 'version-1-many.db': testKey, 'version-2.db': key }

for (const [name, itsKey] of Object.entries(many)) {
  test(`a secret of many versions, and one with gaps, of ${name} read as they were written, also once they are written to`, async () => {
    const path = fixture(name)
    await holdsMany(opened(path, { key: itsKey, keepVersions: 'all' }))
    const writer = opened(path, { key: itsKey, keepVersions: 'all' })
    await writer.staging.discard('many', { version: 41 }, context)
    expect((await writer.put('many', { value: 'many 42' }, context)).version).toBe(42)
    expect((await writer.prune({ keepVersions: 2, path: 'gaps' })).removed).toEqual([{ path: 'gaps', versions: [15, 16] }])
    expect((await writer.getVersion('gaps', 300, context))?.value).toBe('gaps 300')
  })
}

async function holdsMany({ get, getVersion, staging, describe: described }: LocalProvider): Promise<void> {
  for (let n = 1; n <= 40; n++) expect((await getVersion('many', n, context))?.value).toBe(`many ${n}`)
  expect((await get('many', context))?.value).toBe('many 40')
  expect(await staging.get('many', context)).toMatchObject({ value: 'many 41, pending', version: 41 })
  expect((await described('many', context))?.versions).toHaveLength(40)
  for (const n of [15, 16, 300, 70_000]) expect((await getVersion('gaps', n, context))?.value).toBe(`gaps ${n}`)
  for (const n of [1, 3, 17, 299, 4_096, 70_001]) expect(await getVersion('gaps', n, context)).toBeUndefined()
}

describe('a store of format 1', () => {
  test('is made one of this format by whoever opens it first, of several at once, with the same ciphertexts', async () => {
    const path = fixture('version-1-many.db')
    const before = ciphertexts(path)
    const providers = Array.from({ length: 5 }, () => opened(path))
    for (const secret of await Promise.all(providers.map((provider) => provider.get('many', context))))
      expect(secret?.value).toBe('many 40')
    expect(formatOf(path)).toBe(2)
    expect(ciphertexts(path)).toEqual(before)
  })

  test('that was altered is INTEGRITY, and stays as it is', async () => {
    const alterations = [
      "UPDATE secrets SET facts = replace(facts, '40', '39') WHERE path = 'many' AND version = 0",
      "UPDATE secrets SET sealed = CAST(x'00' || substr(sealed, 2) AS BLOB) WHERE path = 'many' AND version = 7",
      "DELETE FROM secrets WHERE path = 'many' AND version = 7",
      "DELETE FROM secrets WHERE path = 'purged'",
      "INSERT INTO secrets SELECT leaf, path, 99, facts, digest, sealed FROM secrets WHERE path = 'many' AND version = 7",
      "INSERT INTO secrets SELECT leaf, 'planted', version, facts, digest, sealed FROM secrets WHERE path = 'many'",
      "UPDATE secrets SET leaf = leaf + 1 WHERE path = 'many'",
      'UPDATE root SET changes = changes + 1',
    ]
    for (const sql of alterations) {
      const path = fixture('version-1-many.db')
      tamper(path, sql)
      const bytes = bytesOnDisk(path)
      expect((await failure(opened(path).get('gaps', context))).code, sql).toBe('INTEGRITY')
      expect(formatOf(path)).toBe(1)
      expect(bytesOnDisk(path).subarray(28)).toEqual(bytes.subarray(28))
    }
  })

  test('under another key is CONFIGURATION, and stays as it is', async () => {
    const path = fixture('version-1-many.db')
    expect((await failure(opened(path, { key }).get('many', context))).code).toBe('CONFIGURATION')
    expect(formatOf(path)).toBe(1)
  })

  test('is none that a store of this format can be taken for, by its number alone', async () => {
    const path = fixture('version-2.db')
    tamper(path, 'PRAGMA user_version=1')
    expect((await failure(opened(path, { key }).get('many', context))).code).toBe('INTEGRITY')
    const old = fixture('version-1-many.db')
    tamper(old, 'PRAGMA user_version=2')
    expect((await failure(opened(old).get('many', context))).code).toBe('INTEGRITY')
  })
})

function ciphertexts(path: string): string[] {
  const sqlite = new DatabaseSync(path, { readOnly: true })
  const rows = sqlite.prepare('SELECT sealed FROM secrets WHERE version > 0').all()
  sqlite.close()
  return rows.map(({ sealed }) => Buffer.from(sealed as Uint8Array).toString('hex')).toSorted() // a BLOB in a STRICT table
}
