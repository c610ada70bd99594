import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test, vi } from 'vitest'
import type { LocalProvider } from './local-provider.ts'
import { bytesOnDisk, collected, context, failure, opened, tamper, temporaryPath } from './testing/temporary-store.ts'

vi.setConfig({ testTimeout: 30_000 }) // scrypt is slow by design

const key = '00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff'
const passphrase = 'the passphrase of the fixture of a format'

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

const name = 'version-3.db'

test('a store of format 3 reads as it was written', async () => {
  const path = fixture(name)
  expect(formatOf(path)).toBe(3)
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
  const listed = ['binary', 'gaps', 'many', 'map', 'sealed/by-passphrase', 'staged', 'versions']
  expect((await collected(store.list('', context))).map((secret) => secret.path)).toEqual(listed)
})

test('a store of format 3 keeps its retired keys', async () => {
  const retired = 'ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100'
  expect((await failure(opened(fixture(name), { key: retired }).get('map', context))).code).toBe('CONFIGURATION')
  const writer = opened(fixture(name), { keys: [retired, key] })
  expect(await failure(writer.put('map', { value: 'new' }, context))).toMatchObject({
    code: 'CONFIGURATION',
    problem: 'the encryption key was replaced, and `reencrypt` has retired it',
  })
})

test('a store of format 3 accepts writes and keeps its used version numbers', async () => {
  const store = opened(fixture(name), { key: passphrase })
  expect((await store.put('purged', { value: 'again' }, context)).version).toBe(2)
  await store.restore('withdrawn', context)
  expect((await store.describe('withdrawn', context))?.version).toBe(1)
  expect((await store.describe('versions', context))?.tags).toEqual({ stage: 'test', team: 'pay' })
})

test('secrets with many versions and with gaps read as they were written, before and after a write', async () => {
  const path = fixture(name)
  await holdsMany(opened(path, { key, keepVersions: 'all' }))
  const writer = opened(path, { key, keepVersions: 'all' })
  await writer.staging.discard('many', { version: 41 }, context)
  expect((await writer.put('many', { value: 'many 42' }, context)).version).toBe(42)
  expect((await writer.prune({ keepVersions: 2, path: 'gaps' })).removed).toEqual([{ path: 'gaps', versions: [15, 16] }])
  expect((await writer.getVersion('gaps', 300, context))?.value).toBe('gaps 300')
})

async function holdsMany({ get, getVersion, staging, describe: described }: LocalProvider): Promise<void> {
  for (let n = 1; n <= 40; n++) expect((await getVersion('many', n, context))?.value).toBe(`many ${n}`)
  expect((await get('many', context))?.value).toBe('many 40')
  expect(await staging.get('many', context)).toMatchObject({ value: 'many 41, pending', version: 41 })
  expect((await described('many', context))?.versions).toHaveLength(40)
  for (const n of [15, 16, 300, 70_000]) expect((await getVersion('gaps', n, context))?.value).toBe(`gaps ${n}`)
  for (const n of [1, 3, 17, 299, 4_096, 70_001]) expect(await getVersion('gaps', n, context)).toBeUndefined()
}

test.each([
  [1, 'read it with the version that wrote it, and copy its secrets into a new file'],
  [2, 'read it with the version that wrote it, and copy its secrets into a new file'],
  [4, 'update @finchat/secrets-provider-local'],
])('a store of format %i is refused with the remedy, and stays as it is', async (format, remedy) => {
  const path = fixture(name)
  tamper(path, `PRAGMA user_version=${format}`)
  const bytes = bytesOnDisk(path)
  for (const call of [opened(path, { key }).get('many', context), opened(path, { key }).put('many', { value: '' }, context)]) {
    expect(await failure(call)).toMatchObject({
      code: 'CONFIGURATION',
      problem: `the store has format ${format}, and this release reads format 3`,
      remedy,
    })
  }
  expect(bytesOnDisk(path)).toEqual(bytes)
})
