import { inspect } from 'node:util'
import { secretsManagerFromEnv } from '@finchat/secrets-core'
import { generateKey, parseKey } from '@finchat/secrets-core/sealing'
import { leaksOf, matchedTexts } from '@finchat/secrets-testkit'
import { expect, test, vi } from 'vitest'
import { localFromEnv } from './from-env.ts'
import { localProvider } from './local-provider.ts'
import { bytesOnDisk, context, failure, opened, tamper, temporaryPath } from './testing/temporary-store.ts'

vi.setConfig({ testTimeout: 30_000 }) // scrypt is slow by design

const valueCanary = 'c4n4ry-of-the-value-Xq7'
const keyCanary = 'c4n4ry-of-the-passphrase-Lm3-and-more'
const rawKeyText = 'c4n4ry-of-a-raw-key-31-bytes-lo'
const rawKeyCanary = Buffer.from(`${rawKeyText}\xff`, 'latin1') // a raw key is no text

test('inspecting a provider shows neither its key nor values it has read', async () => {
  for (const key of [keyCanary, rawKeyCanary]) {
    const provider = opened(':memory:', { key })
    await provider.put('name', { value: valueCanary }, context)
    await provider.get('name', context)
    for (const canary of [valueCanary, keyCanary, rawKeyText]) {
      expect(leaksOf(provider, canary)).toEqual([])
      expect(inspect(provider, { showHidden: true, showProxy: true, depth: 20 })).not.toContain(canary)
    }
  }
})

test('no value is on disk in any encoding', async () => {
  const path = temporaryPath()
  const provider = opened(path)
  await provider.put('name', { value: valueCanary, tags: { team: 'pay' } }, context)
  await provider.put('map', { value: JSON.stringify({ password: valueCanary }), shape: 'map' }, context)
  await provider.staging.put('name', { value: Buffer.from(valueCanary) }, context)
  await provider.reencrypt()
  expect(leaksOf(bytesOnDisk(path), valueCanary)).toEqual([])
})

test('no error holds a value or a key', async () => {
  const path = temporaryPath()
  const provider = opened(path, { key: keyCanary })
  await provider.put('name', { value: valueCanary }, context)
  const write = { value: valueCanary }
  const errors = [
    await failure(provider.put('name', { ...write, version: 1 }, context)),
    await failure(provider.put('name', { ...write, ifCurrent: null }, context)),
    await failure(provider.put('a\nb', write, context)),
    await failure(provider.put('name', { value: valueCanary + '\ud800' }, context)),
    await failure(provider.put('name', { value: valueCanary.padEnd(2 ** 21) }, context)),
    await failure(provider.put('name', write, { signal: AbortSignal.abort(new Error(valueCanary)) })),
    await failure(opened(path, { key: rawKeyCanary }).get('name', context)),
  ]
  tamper(path, "UPDATE secrets SET sealed = zeroblob(60) WHERE path = 'name'")
  errors.push(await failure(provider.get('name', context)))
  await provider.close()
  errors.push(await failure(provider.put('name', write, context)))
  for (const error of errors) {
    for (const canary of [valueCanary, keyCanary, rawKeyText]) expect(leaksOf(error, canary)).toEqual([])
  }
})

test('no error holds a refused key', async () => {
  for (const key of [`${keyCanary}\n`, `"${keyCanary}"`, 'c4n4ry-short', `key:${keyCanary}`, `${keyCanary}\ud800`]) {
    const error = await failure(Promise.resolve({ path: ':memory:', key }).then(localProvider))
    expect(error.code).toBe('CONFIGURATION')
    expect(leaksOf(error, 'c4n4ry-short')).toEqual([])
    expect(leaksOf(error, keyCanary)).toEqual([])
  }
})

test('returned bytes belong to the caller', async () => {
  const provider = opened(':memory:')
  await provider.put('name', { value: Uint8Array.of(1, 2, 3) }, context)
  const [one, other] = [await provider.get('name', context), await provider.get('name', context)]
  if (!(one?.value instanceof Uint8Array)) throw new Error('the value is not bytes')
  one.value.fill(0)
  expect(other?.value).toEqual(Uint8Array.of(1, 2, 3))
  expect(one.value.buffer.byteLength).toBe(3)
})

/** One key in every form in which a user may hold it. */
const keyText = 'c4n4ry-of-a-key-in-all-its-form'
const keyBytes = Buffer.from(`${keyText}\xff`, 'latin1')
const keyForms: Record<string, string | Uint8Array> = {
  'a passphrase': keyCanary,
  bytes: keyBytes,
  hex: keyBytes.toString('hex'),
  'hex in capitals': keyBytes.toString('hex').toUpperCase(),
  base64: keyBytes.toString('base64'),
  'base64url after `key:`': `key:${keyBytes.toString('base64url')}`,
  'padded base64url after `key:`': `key:${keyBytes.toString('base64url')}=`,
}

test.each(Object.entries(keyForms))('no regular expression is tried on a key that is %s, nor on a value', async (_, key) => {
  const path = temporaryPath()
  const matched = await matchedTexts(async () => {
    const provider = opened(path, { key })
    await provider.put('name', { value: valueCanary, tags: { team: 'pay' } }, context)
    await provider.put('map', { value: JSON.stringify({ password: valueCanary }), shape: 'map' }, context)
    await provider.get('name', context)
    await provider.getVersion('name', 1, context)
    await provider.getMany(['name', 'map'], context)
    await provider.staging.put('name', { value: valueCanary }, context)
    await provider.close()
    const rotating = opened(path, { keys: [generateKey(), key] })
    await rotating.reencrypt()
    await rotating.close()
    await failure(opened(path, { key }).get('name', context))
  })
  for (const canary of [valueCanary, keyCanary, keyText, String(key)]) expect(leaksOf(matched, canary)).toEqual([])
})

test.each(Object.entries(keyForms))('no regular expression is tried on a key in the environment that is %s', async (_, key) => {
  const env = { FINCHAT_SECRETS_PROVIDER: 'local', FINCHAT_LOCAL_PATH: ':memory:', FINCHAT_ENCRYPTION_KEY: String(key) }
  const matched = await matchedTexts(() => secretsManagerFromEnv({ local: localFromEnv }, { env }).close())
  expect(leaksOf(matched, String(key))).toEqual([])
})

test('no regular expression runs on a refused key', async () => {
  const hex = keyBytes.toString('hex')
  const refused = [
    `"${hex}"`,
    ` ${hex}`,
    `${hex}\n`,
    `key:${hex}`,
    `key:${'!'.repeat(9)}${hex}`,
    `${hex}\ud800`,
    `${'A'.repeat(42)}B=`,
    `'${hex}'`,
  ]
  for (const key of refused) {
    const matched = await matchedTexts(() => failure(Promise.resolve(key).then(parseKey)))
    expect(matched.filter((text) => text.includes(key.slice(10, 40)))).toEqual([])
  }
})
