import { createHmac, randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { nameDigest } from './name-digest.ts'

const key = randomBytes(40)

test('a digest is the HMAC-SHA256 of the name under the key, shortened', () => {
  const expected = createHmac('sha256', key).update('db/password').digest('hex').slice(0, 32)
  expect(nameDigest('nameKey', key)('db/password')).toBe(`hmac:${expected}`)
})

test('a digest under another key is another one, so that names cannot be tried', () => {
  expect(nameDigest('nameKey', randomBytes(32))('db')).not.toBe(nameDigest('nameKey', randomBytes(32))('db'))
})

test('a key that is overwritten later goes on giving the same digests', () => {
  const own = randomBytes(32)
  const digest = nameDigest('nameKey', own)
  const before = digest('db')
  own.fill(0)
  expect(digest('db')).toBe(before)
})

test.each<[string, unknown]>([
  ['none', undefined],
  ['a short one', key.subarray(0, 31)],
  ['a text', key.toString('hex')],
  ['bytes of a text', Buffer.from('correct horse battery staple, 40 bytes..')],
  ['zeros', new Uint8Array(32)],
])('%s is refused, and the option is named', (_, wrong) => {
  expect(() => nameDigest('nameKey', wrong)).toThrow(
    expect.objectContaining({ code: 'CONFIGURATION', message: expect.stringContaining('`nameKey` is not a random key') }),
  )
})
