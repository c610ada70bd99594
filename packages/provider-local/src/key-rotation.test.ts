import { existsSync, readFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { expect, test, vi } from 'vitest'
import { bytesOnDisk, context, failure, key, opened, otherKey, temporaryPath, within } from './testing/temporary-store.ts'

vi.setConfig({ testTimeout: 30_000 }) // stretching passphrases is meant to be slow

const [oldKey, newKey] = [key, otherKey]
const passphrase = 'a passphrase of more than 32 bytes, all of them counted'

/** The ciphertexts that the store's rows hold now. */
function ciphertexts(path: string): Buffer[] {
  const sqlite = new DatabaseSync(path)
  const rows = sqlite.prepare('SELECT sealed FROM versions').all()
  sqlite.close()
  return rows.map(({ sealed }) => Buffer.from(sealed as Uint8Array)) // the column is a BLOB in a STRICT table
}

test('the first key seals and every key opens, whatever its form', async () => {
  const path = temporaryPath()
  await within(path, (provider) => provider.put('old', { value: 'sealed with the old key' }, context), { keys: [oldKey] })
  await within(path, (provider) => provider.put('new', { value: 'sealed with the passphrase' }, context), { keys: [passphrase, oldKey] })
  await within(
    path,
    async (provider) => {
      expect((await provider.get('old', context))?.value).toBe('sealed with the old key')
      expect((await provider.get('new', context))?.value).toBe('sealed with the passphrase')
    },
    { keys: [Buffer.from(oldKey).toString('hex'), passphrase] },
  )
})

test('the same bytes as text are the same key', async () => {
  const path = temporaryPath()
  await within(path, (provider) => provider.put('name', { value: 'value' }, context))
  const buffer = Buffer.from(key)
  for (const form of [buffer.toString('hex'), buffer.toString('base64'), `key:${buffer.toString('base64url')}`]) {
    await within(path, async (provider) => expect((await provider.get('name', context))?.value).toBe('value'), { key: form })
  }
})

test('a process that has not got the new key yet reads what it can, and says what to do about the rest', async () => {
  const path = temporaryPath()
  const late = opened(path, { keys: [oldKey] })
  await late.put('before', { value: 'sealed with the old key' }, context)
  await within(path, (provider) => provider.put('after', { value: 'sealed with the new key' }, context), { keys: [newKey, oldKey] })
  expect((await late.get('before', context))?.value).toBe('sealed with the old key')
  expect((await late.describe('after', context))?.version).toBe(1)
  expect(await failure(late.get('after', context))).toMatchObject({
    code: 'CONFIGURATION',
    problem: 'the secret was sealed with a key that is not among `keys`',
    remedy: 'add the new key everywhere before making it first',
  })
})

test('re-encryption leaves the new key alone able to open the store, and every answer as it was', async () => {
  const path = temporaryPath()
  const answers = await within(
    path,
    async (provider) => {
      for (const value of ['v1', 'v2']) await provider.put('name', { value, tags: { team: 'pay' } }, context)
      await provider.put('map', { value: '{"a":"b"}', shape: 'map' }, context)
      await provider.staging.put('name', { value: 'pending' }, context)
      await provider.put('withdrawn', { value: 'gone' }, context)
      await provider.delete('withdrawn', { purge: false }, context)
      return Promise.all([
        provider.get('name', context),
        provider.getVersion('name', 1, context),
        provider.get('map', context),
        provider.staging.get('name', context),
      ])
    },
    { keys: [oldKey] },
  )
  await within(
    path,
    async (provider) => {
      expect(await provider.reencrypt()).toEqual({ reencrypted: 5 })
      expect(await provider.reencrypt()).toEqual({ reencrypted: 0 })
    },
    { keys: [newKey, oldKey] },
  )
  await within(
    path,
    async (provider) => {
      expect(
        await Promise.all([
          provider.get('name', context),
          provider.getVersion('name', 1, context),
          provider.get('map', context),
          provider.staging.get('name', context),
        ]),
      ).toEqual(answers)
      expect((await failure(provider.get('withdrawn', context))).code).toBe('DELETED')
      await provider.restore('withdrawn', context)
      expect((await provider.get('withdrawn', context))?.value).toBe('gone')
    },
    { keys: [newKey] },
  )
  expect(await failure(opened(path, { keys: [oldKey] }).get('name', context))).toMatchObject({
    code: 'CONFIGURATION',
    problem: 'the encryption key was replaced, and `reencrypt` has retired it',
  })
})

test('a process that runs with the old key alone says so after the re-encryption, and one that has both goes on', async () => {
  const path = temporaryPath()
  const [late, ready] = [opened(path, { keys: [oldKey] }), opened(path, { keys: [oldKey, newKey] })]
  await late.put('name', { value: 'value' }, context)
  expect((await ready.get('name', context))?.value).toBe('value')
  await within(path, (provider) => provider.reencrypt(), { keys: [newKey, oldKey] })
  expect((await failure(late.get('name', context))).code).toBe('CONFIGURATION')
  expect((await ready.get('name', context))?.value).toBe('value')
})

test('re-encryption that lacks a key changes nothing that it cannot open', async () => {
  const path = temporaryPath()
  await within(path, (provider) => provider.put('a', { value: 'old' }, context), { keys: [oldKey] })
  await within(path, (provider) => provider.put('b', { value: 'new' }, context), { keys: [newKey, oldKey] })
  await within(path, async (provider) => expect((await failure(provider.reencrypt())).code).toBe('CONFIGURATION'), { keys: [newKey] })
  await within(path, async (provider) => expect((await provider.get('a', context))?.value).toBe('old'), { keys: [oldKey] })
})

test('re-encryption that is aborted is finished by a second call', async () => {
  const path = temporaryPath()
  await within(
    path,
    async (provider) => {
      for (let n = 0; n < 60; n++) await provider.put(`secret/${n}`, { value: `value ${n}` }, context)
    },
    { keys: [oldKey] },
  )
  await within(
    path,
    async (provider) => {
      const controller = new AbortController()
      const under = provider.reencrypt({ signal: controller.signal })
      setImmediate(() => controller.abort())
      expect((await failure(under)).code).toBe('ABORTED')
      expect((await provider.get('secret/59', context))?.value).toBe('value 59')
      const { reencrypted } = await provider.reencrypt()
      expect(reencrypted).toBeGreaterThan(0)
      expect(reencrypted).toBeLessThanOrEqual(60)
    },
    { keys: [newKey, oldKey] },
  )
  await within(path, async (provider) => expect((await provider.get('secret/0', context))?.value).toBe('value 0'), { keys: [newKey] })
})

test('nothing of an old ciphertext is left in file or log, while the store stays open', async () => {
  const path = temporaryPath()
  await within(
    path,
    async (provider) => {
      for (let n = 0; n < 3; n++) await provider.put('reencrypted', { value: 'r'.repeat(100) }, context)
      for (let n = 0; n < 3; n++) await provider.put('purged', { value: 'p'.repeat(10_000) }, context)
      for (let n = 0; n < 3; n++) await provider.put('pruned', { value: 'q'.repeat(100) }, context)
    },
    { keys: [oldKey] },
  )
  const before = ciphertexts(path)
  expect(before).toHaveLength(9)
  for (const ciphertext of before) expect(bytesOnDisk(path).includes(ciphertext.subarray(0, 64))).toBe(true)

  const provider = opened(path, { keys: [newKey, oldKey] })
  await provider.delete('purged', { purge: true }, context)
  await provider.prune({ keepVersions: 1, path: 'pruned' })
  await provider.reencrypt()
  expect(existsSync(`${path}-wal`)).toBe(true)
  const after = bytesOnDisk(path)
  for (const ciphertext of before) {
    for (let start = 0; start + 16 <= ciphertext.length; start += 997)
      expect(after.includes(ciphertext.subarray(start, start + 16))).toBe(false)
  }
})

test('each of purge, prune, discard and a pruning write alone leaves nothing of what it removed', async () => {
  const path = temporaryPath()
  const steps = [
    (provider: ReturnType<typeof opened>) => provider.delete('a', { purge: true }, context),
    (provider: ReturnType<typeof opened>) => provider.prune({ keepVersions: 1 }),
    async (provider: ReturnType<typeof opened>) => provider.staging.discard('a', (await provider.staging.get('a', context)) ?? {}, context),
    (provider: ReturnType<typeof opened>) => provider.put('a', { value: 'v3' }, context),
  ]
  for (const [index, step] of steps.entries()) {
    const before = await within(path, async (provider) => {
      for (const value of ['v1', 'v2']) await provider.put('a', { value }, context)
      if (index === 2) await provider.staging.put('a', { value: 'pending' }, context)
    }).then(() => ciphertexts(path))
    const provider = opened(path, index === 3 ? { keepVersions: 1 } : {})
    await step(provider)
    const left = bytesOnDisk(path)
    const removed = before.filter((ciphertext) => !left.includes(ciphertext))
    await provider.close()
    const rows = ciphertexts(path)
    expect(removed.length).toBeGreaterThan(0)
    for (const ciphertext of before) expect(left.includes(ciphertext.subarray(0, 20))).toBe(rows.some((row) => row.equals(ciphertext)))
  }
})

test('the key is in no file', async () => {
  const path = temporaryPath()
  await within(path, (provider) => provider.put('name', { value: 'value' }, context), { keys: [passphrase, key] })
  const bytes = readFileSync(path)
  for (const secret of [passphrase, Buffer.from(key), Buffer.from(key).toString('hex')]) expect(bytes.includes(secret)).toBe(false)
})
