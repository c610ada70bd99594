import { existsSync, readFileSync } from 'node:fs'
import { expect, test, vi } from 'vitest'
import type { LocalProvider } from './local-provider.ts'
import { context, failure, key, opened, otherKey, tamper, temporaryPath, within } from './testing/temporary-store.ts'

vi.setConfig({ testTimeout: 30_000 }) // scrypt is slow by design

const [oldKey, newKey] = [key, otherKey]
const passphrase = 'a passphrase of more than 32 bytes, all of them counted'

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

test('a process without the new key reads what the old key sealed, and names the missing step for the rest', async () => {
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

test('after re-encryption only the new key opens the store, and every answer is unchanged', async () => {
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
    problem: 'the encryption key does not open this store',
  })
})

test('after re-encryption a process with the old key alone fails, and one with both continues', async () => {
  const path = temporaryPath()
  const [late, ready] = [opened(path, { keys: [oldKey] }), opened(path, { keys: [oldKey, newKey] })]
  await late.put('name', { value: 'value' }, context)
  expect((await ready.get('name', context))?.value).toBe('value')
  await within(path, (provider) => provider.reencrypt(), { keys: [newKey, oldKey] })
  expect((await failure(late.get('name', context))).code).toBe('CONFIGURATION')
  expect((await ready.get('name', context))?.value).toBe('value')
})

test.each<[string, (path: string) => Promise<unknown>, Uint8Array[], object]>([
  ['is right', async () => undefined, [newKey, oldKey], { first: 0, others: 3, otherKeys: 'former', isNewestOfOthers: true }],
  [
    'is right, and the new key seals already',
    async (path) => within(path, (provider) => provider.put('name', { value: 'v3' }, context), { keys: [newKey, oldKey] }),
    [newKey, oldKey],
    { first: 1, others: 3, otherKeys: 'former', isNewestOfOthers: false },
  ],
  [
    'is reversed, and the new key seals already',
    async (path) => within(path, (provider) => provider.put('name', { value: 'v3' }, context), { keys: [newKey, oldKey] }),
    [oldKey, newKey],
    { first: 3, others: 1, otherKeys: 'former', isNewestOfOthers: true },
  ],
  [
    'is that of the first step',
    async () => undefined,
    [oldKey, newKey],
    { first: 3, others: 0, otherKeys: 'unused', isNewestOfOthers: false },
  ],
  [
    'was right, and all is done',
    async (path) => within(path, (provider) => provider.reencrypt(), { keys: [newKey, oldKey] }),
    [newKey, oldKey],
    { first: 3, others: 0, otherKeys: 'retired', isNewestOfOthers: false },
  ],
  ['has one key', async () => undefined, [oldKey], { first: 3, others: 0, otherKeys: 'unused', isNewestOfOthers: false }],
])('before re-encryption it shows whether the order of keys %s', async (_, before, keys, use) => {
  const path = temporaryPath()
  const fill = async (provider: LocalProvider): Promise<void> => {
    for (const value of ['v1', 'v2']) await provider.put('name', { value }, context)
    await provider.put('other', { value: 'v1' }, context)
  }
  await within(path, fill, { keys: [oldKey] })
  await before(path)
  const asked: object[] = []
  const confirm = (found: object): boolean => (asked.push(found), false)
  expect(await within(path, (provider) => provider.reencrypt({ confirm }), { keys })).toEqual({ reencrypted: 0 })
  expect(asked).toEqual([use])
  await within(path, async (provider) => expect((await provider.get('other', context))?.value).toBe('v1'), { keys })
})

test('the order of keys of a store that does not exist shows nothing, and makes none', async () => {
  const path = temporaryPath()
  const asked: object[] = []
  const confirm = (found: object): boolean => (asked.push(found), false)
  await within(path, (provider) => provider.reencrypt({ confirm }), { keys: [newKey, oldKey] })
  expect([asked, existsSync(path)]).toEqual([[{ first: 0, others: 0, otherKeys: 'unused', isNewestOfOthers: false }], false])
})

test('re-encryption without a needed key changes nothing', async () => {
  const path = temporaryPath()
  await within(path, (provider) => provider.put('a', { value: 'old' }, context), { keys: [oldKey] })
  await within(path, (provider) => provider.put('b', { value: 'new' }, context), { keys: [newKey, oldKey] })
  await within(path, async (provider) => expect((await failure(provider.reencrypt())).code).toBe('CONFIGURATION'), { keys: [newKey] })
  await within(path, async (provider) => expect((await provider.get('a', context))?.value).toBe('old'), { keys: [oldKey] })
})

test('a second call finishes an aborted re-encryption', async () => {
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

test('a process that still seals with a retired key does not bring it back', async () => {
  const path = temporaryPath()
  const forgotten = opened(path, { keys: [oldKey, newKey] })
  await forgotten.put('name', { value: 'value' }, context)
  await within(path, (provider) => provider.reencrypt(), { keys: [newKey, oldKey] })
  const writes = [forgotten.put('name', { value: 'sealed with the old key' }, context), forgotten.reencrypt()]
  for (const write of writes) {
    expect(await failure(write)).toMatchObject({
      code: 'CONFIGURATION',
      problem: 'the encryption key was replaced, and `reencrypt` has retired it',
      remedy: 'give the new key, and make it the first of `keys`',
    })
  }
  expect((await forgotten.get('name', context))?.value).toBe('value')
  expect((await failure(opened(path, { keys: [oldKey] }).get('name', context))).code).toBe('CONFIGURATION')
  tamper(path, 'UPDATE upkeep SET retired = zeroblob(28)')
  expect((await failure(opened(path, { keys: [newKey] }).get('name', context))).code).toBe('INTEGRITY')
})

test('re-encryption ends beside a writer with the old key and reseals what it wrote meanwhile', async () => {
  const path = temporaryPath()
  const writer = opened(path, { keys: [oldKey, newKey] })
  for (let n = 0; n < 60; n++) await writer.put(`secret/${n}`, { value: `value ${n}` }, context)
  const provider = opened(path, { keys: [newKey, oldKey] })
  await provider.checkHealth(context)
  const late: Promise<unknown>[] = []
  const writing = setInterval(() => late.push(writer.put(`late/${late.length}`, { value: 'late' }, context)), 0)
  const { reencrypted } = await provider.reencrypt()
  clearInterval(writing)
  const written = (await Promise.allSettled(late)).filter(({ status }) => status === 'fulfilled').length
  expect(written).toBeGreaterThan(0)
  expect(reencrypted).toBe(60 + written)
  await provider.close()
  const alone = opened(path, { keys: [newKey] })
  for (let n = 0; n < written; n++) expect((await alone.get(`late/${n}`, context))?.value).toBe('late')
})

test('the key is in no file', async () => {
  const path = temporaryPath()
  await within(path, (provider) => provider.put('name', { value: 'value' }, context), { keys: [passphrase, key] })
  const bytes = readFileSync(path)
  for (const secret of [passphrase, Buffer.from(key), Buffer.from(key).toString('hex')]) expect(bytes.includes(secret)).toBe(false)
})
