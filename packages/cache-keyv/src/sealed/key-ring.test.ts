import { SecretsError } from '@finchat/secrets-core'
import { expect, test } from 'vitest'
import { type EncryptionKey, generateKey } from '@finchat/secrets-core/sealing'
import { rawKey } from './key-ring.ts'

const bytes = Buffer.from(Array.from({ length: 32 }, (_, index) => index * 7 + 3))

function refusal(key: EncryptionKey): SecretsError {
  try {
    rawKey(key)
  } catch (error) {
    if (SecretsError.isInstance(error)) return error
  }
  throw new Error('the key was accepted')
}

test('32 bytes and every encoding of them are the same key', () => {
  const texts = [bytes.toString('hex'), bytes.toString('hex').toUpperCase(), bytes.toString('base64'), `key:${bytes.toString('base64url')}`]
  for (const key of [bytes, Uint8Array.from(bytes), ...texts, `${texts[3]}=`]) expect(rawKey(key)).toEqual(Uint8Array.from(bytes))
})

test('a generated key is valid, and differs each time', () => {
  expect(rawKey(generateKey())).toHaveLength(32)
  expect(generateKey()).not.toBe(generateKey())
})

test.each([
  ['short', /^Encryption key must be at least 32 bytes long/],
  [new Uint8Array(31), /at least 32 bytes/],
  [new Uint8Array(33), /exactly 32 bytes, not 33/],
  ['canary-of-a-passphrase that is long enough for a key', /is a passphrase, or is damaged/],
  ['canary'.repeat(6), /a short text, repeated|too few different characters/],
  [Buffer.from('canary-of-32-bytes-that-are-text'), /are text, not random bytes/],
  [Buffer.from('canary-of-32-bytes-that-are-text').toString('base64'), /are text, not random bytes/],
  [new Uint8Array(32), /few of its bytes differ/],
  ['0'.repeat(64), /few of its bytes differ/],
  [bytes.toString('hex').slice(1), /nearly, but not, 64 hex digits/],
  [`${bytes.toString('hex').slice(1)}g`, /nearly, but not, 64 hex digits/],
  [bytes.toString('base64url'), /nearly, but not, 32 bytes in base64/],
  [`${bytes.toString('hex')}\n`, /whitespace/],
  [`"${bytes.toString('hex')}"`, /quotes/],
  [`key:${'*'.repeat(43)}`, /it is not valid base64url/],
  [`key:${bytes.toString('base64url')}AAAA`, /holds 35 bytes, not 32/],
  [5, /neither text nor a Uint8Array/],
] as const)('%j is refused without being quoted', (key, message) => {
  const { code, message: said } = refusal(key as string) // as JavaScript may pass it
  expect([code, said]).toEqual(['CONFIGURATION', expect.stringMatching(message)])
  expect(said).not.toContain('canary')
  expect(said).not.toContain(bytes.toString('hex').slice(1, 20))
})
