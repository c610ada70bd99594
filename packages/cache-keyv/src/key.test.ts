import { SecretsError } from '@finchat/secrets-core'
import { expect, test } from 'vitest'
import { generateKey, parseKey } from './key.ts'

const bytes = Buffer.from(Array.from({ length: 32 }, (_, index) => index * 7 + 3))

test('32 bytes and each of their texts are one key', () => {
  const texts = [bytes.toString('hex'), bytes.toString('hex').toUpperCase(), bytes.toString('base64'), `key:${bytes.toString('base64url')}`]
  for (const key of [bytes, Uint8Array.from(bytes), ...texts, `${texts[3]}=`]) expect(parseKey(key)).toEqual(bytes)
})

test('the key is a copy: whoever overwrites theirs changes nothing here', () => {
  const given = Uint8Array.from(bytes)
  const parsed = parseKey(given)
  given.fill(0)
  expect(parsed).toEqual(bytes)
})

test('a generated key is one, another each time', () => {
  expect(parseKey(generateKey())).toHaveLength(32)
  expect(generateKey()).not.toBe(generateKey())
})

test.each([
  ['short', /^Encryption key must be at least 32 bytes long/],
  [new Uint8Array(31), /at least 32 bytes/],
  [new Uint8Array(33), /exactly 32 bytes, not 33/],
  ['canary-of-a-passphrase that is long enough for a key', /passphrase, or is damaged/],
  [`${bytes.toString('hex').slice(1)}g`, /passphrase, or is damaged/],
  [`${bytes.toString('hex')}\n`, /passphrase, or is damaged/],
  [`"${bytes.toString('hex')}"`, /passphrase, or is damaged/],
  [`${bytes.toString('base64').slice(1, -1)}!=`, /looks like base64 and is not/],
  [`key:${'*'.repeat(43)}`, /looks like base64url and is not/],
  [`key:${bytes.toString('base64url')}AAAA`, /exactly 32 bytes, not 35/],
  [5, /neither text nor a Uint8Array/],
] as const)('%j is refused without being quoted', (key, message) => {
  let error: unknown
  try {
    parseKey(key as string) // as JavaScript may pass it
  } catch (thrown) {
    error = thrown
  }
  expect(SecretsError.isInstance(error) && [error.code, error.message]).toEqual(['CONFIGURATION', expect.stringMatching(message)])
  expect(String(error)).not.toContain('canary')
  expect(String(error)).not.toContain(bytes.toString('hex').slice(1, 20))
})
