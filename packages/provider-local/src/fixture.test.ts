import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { collected, context, failure, opened, temporaryPath } from './testing/temporary-store.ts'

vi.setConfig({ testTimeout: 30_000 }) // stretching passphrases is meant to be slow

const key = '00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff'
const passphrase = 'the passphrase of the fixture of format 1'

function fixture(): string {
  const path = temporaryPath()
  copyFileSync(join(import.meta.dirname, '../fixtures/version-1.db'), path)
  return path
}

test('a store of format 1 reads as it was written', async () => {
  const store = opened(fixture(), { keys: [key, passphrase] })
  expect((await store.get('sealed/by-passphrase', context))?.value).toBe('opens with the passphrase')
  expect(await store.get('versions', context)).toMatchObject({ value: '', version: 4 })
  expect(await store.getVersion('versions', 'previous', context)).toMatchObject({ value: '00123', version: 3 })
  expect((await store.describe('versions', context))?.versions?.map(({ version }) => version)).toEqual([2, 3, 4])
  expect(await store.get('binary', context)).toMatchObject({ value: Uint8Array.of(0, 255, 10), version: 7 })
  expect(await store.get('map', context)).toMatchObject({ value: '{"user":"app","password":"päss"}', shape: 'map' })
  expect(await store.staging.get('staged', context)).toMatchObject({ value: 'pending', version: 2 })
  expect((await failure(store.get('withdrawn', context))).code).toBe('DELETED')
  expect(await store.get('purged', context)).toBeUndefined()
  expect((await collected(store.list('', context))).map(({ path }) => path)).toEqual([
    'binary',
    'map',
    'sealed/by-passphrase',
    'staged',
    'versions',
  ])
})

test('a store of format 1 remembers which key was retired', async () => {
  const retired = 'ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100'
  expect(await failure(opened(fixture(), { key: retired }).get('map', context))).toMatchObject({
    code: 'CONFIGURATION',
    problem: 'the encryption key was replaced, and `reencrypt` has retired it',
  })
})

test('a store of format 1 takes writes, and still knows which numbers were used', async () => {
  const store = opened(fixture(), { key: passphrase })
  expect((await store.put('purged', { value: 'again' }, context)).version).toBe(2)
  await store.restore('withdrawn', context)
  expect((await store.describe('withdrawn', context))?.version).toBe(1)
  expect((await store.describe('versions', context))?.tags).toEqual({ stage: 'test', team: 'pay' })
})
