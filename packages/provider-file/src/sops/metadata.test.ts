import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { armor, Decrypter, generateIdentity } from 'age-encryption'
import { expect, it, vi } from 'vitest'
import { sealAge } from '../testing/seal-age.ts'
import { jsonOf, sealSops } from '../testing/seal-sops.ts'
import { context, failure, fixtures, hybridIdentity, identity, temporaryFolder } from '../testing/temporary-files.ts'
import { dataKeyOf } from './data-key.ts'
import { splitDocument } from './metadata.ts'
import { readJson } from './read-json.ts'
import { sopsDocument } from './sops-document.ts'

const sops = { mac: 'sealed', lastmodified: '2026-11-28T08:00:00Z', age: [{ recipient: 'age1', enc: 'a key' }] }
const split = (document: unknown): ReturnType<typeof splitDocument> => splitDocument(readJson(JSON.stringify(document)))

it('what a file says of itself is below `sops`, and other keys may begin with that word', () => {
  const { entries, metadata } = split({ sops_note: 'x', token: 'y', sops: { ...sops, mac_only_encrypted: true } })
  expect(entries.map(([key]) => key)).toEqual(['sops_note', 'token'])
  expect(metadata).toEqual({ mac: 'sealed', lastModified: sops.lastmodified, isMacOnlyEncrypted: true, ageKeys: ['a key'] })
  expect(split({ sops: { ...sops, mac_only_encrypted: false } }).metadata.isMacOnlyEncrypted).toBe(false)
})

it('a document without a map may have it in flat keys, as dotenv has', () => {
  const flat = { sops_mac: 'sealed', sops_lastmodified: sops.lastmodified, sops_age__list_0__map_enc: 'a key' }
  const { entries, metadata } = split({ token: 'y', sops: 'a secret', ...flat, othermac: 'x', otherage__list_0__map_enc: 'x' })
  expect(entries.map(([key]) => key)).toEqual(['token', 'sops', 'othermac', 'otherage__list_0__map_enc'])
  expect([metadata.mac, metadata.ageKeys]).toEqual(['sealed', ['a key']])
  expect(split({ ...flat, sops_age__list_0__map_enc: { a: 1 } }).metadata.ageKeys, 'no text').toEqual([''])
})

it.each([
  ['is a list', [sops], 'INTEGRITY', 'is no map'],
  ['has no MAC', { sops: { ...sops, mac: '' } }, 'INTEGRITY', 'has no MAC'],
  ['has a MAC that is a list', { sops: { ...sops, mac: [] } }, 'INTEGRITY', 'has no MAC'],
  ['has no time', { sops: { ...sops, lastmodified: 'token:' } }, 'INTEGRITY', 'has no time of its last change'],
  ['has no recipient', { sops: { ...sops, age: [] } }, 'CONFIGURATION', 'has 0 age recipients'],
  [
    'has a recipient in a group',
    { sops: { ...sops, key_groups: [{ age: sops.age }] } },
    'CONFIGURATION',
    'splits its data key over key groups',
  ],
  [
    'has 65 recipients',
    { sops: { ...sops, age: Array.from({ length: 65 }, () => sops.age[0]) } },
    'CONFIGURATION',
    'has 65 age recipients',
  ],
])('a file that %s is refused', async (_, document, code, problem) => {
  expect(await failure(() => split(document))).toMatchObject({ code, problem: `the SOPS file ${problem}` })
})

it('a file may have 64 recipients, and the data key is found among them', async () => {
  const file = join(temporaryFolder(), 'secrets.json')
  const sealed = await sealSops(new Map([['token', 'hunter2']]))
  const own = sealed.get('sops') as { age: unknown[] } // as sealSops makes it
  const other = { recipient: 'age1', enc: armor.encode(await sealAge('k'.repeat(32), [await generateIdentity()])) }
  own.age.unshift(...Array.from({ length: 63 }, () => other))
  await writeFile(file, jsonOf(sealed))
  expect((await sopsDocument({ file, identity }).get('token', context))?.value).toBe('hunter2')
})

it('the decrypted data key is overwritten', async () => {
  const decrypt = vi.spyOn(Decrypter.prototype, 'decrypt')
  await sopsDocument({ file: join(fixtures, 'sops/secrets.yaml'), identity }).get('token', context)
  const keys = await Promise.all(decrypt.mock.results.map((result) => result.value as Promise<Uint8Array>)) // as it is declared
  vi.restoreAllMocks()
  expect(keys).toEqual([new Uint8Array(32)])
})

it.each([16, 31, 33])('a data key of %i bytes is refused as that', async (length) => {
  const sealed = armor.encode(await sealAge(new Uint8Array(length)))
  const error = await failure(() => dataKeyOf([sealed], identity, context.signal))
  expect(error).toMatchObject({ code: 'INTEGRITY', problem: 'the SOPS file has a data key of another length' })
})

it('a file for another identity says so', async () => {
  const provider = sopsDocument({ file: join(fixtures, 'sops/secrets.yaml'), identity: hybridIdentity })
  expect((await failure(() => provider.get('token', context))).problem).toBe('the SOPS file is encrypted to other recipients')
})
