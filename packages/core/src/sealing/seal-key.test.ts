import { createHmac, createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { seal, unseal } from './seal.ts'
import { deriveSealKey, openSealKey, sealKeyLength } from './seal-key.ts'
import { SecretsError } from '../errors/secrets-error.ts'

const bytes = Buffer.from(Array.from({ length: 32 }, (_, index) => index))
const root = createSecretKey(bytes)
const data = Buffer.from('where it lies')

test('a header gives its key, only with the same root', () => {
  const { key, header } = deriveSealKey(root)
  expect([header.length, sealKeyLength]).toEqual([64, 64])
  const sealed = seal(key, data, Buffer.from('hunter2'))
  expect(unseal(openSealKey(createSecretKey(bytes), header) ?? expect.fail('no key'), data, sealed)?.toString()).toBe('hunter2')
  expect(openSealKey(createSecretKey(randomBytes(32)), header)).toBeUndefined()
})

test('each key is new, and shows nothing of its root', () => {
  const keys = Array.from({ length: 1_000 }, () => deriveSealKey(root))
  expect(new Set(keys.map(({ key }) => key.export().toString('hex'))).size).toBe(1_000)
  expect(new Set(keys.map(({ header }) => header.toString('hex', 0, 32))).size).toBe(1_000)
  for (const { key, header } of keys) expect(header.includes(key.export()) || header.includes(bytes)).toBe(false)
})

test('a header that is altered, cut or lengthened opens nothing: it commits to its root', () => {
  const { header } = deriveSealKey(root)
  for (let bit = 0; bit < 8 * header.length; bit += 1) {
    const altered = Uint8Array.from(header)
    altered[bit >> 3] = (altered[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    expect(openSealKey(root, altered)).toBeUndefined()
  }
  for (let length = 0; length < header.length; length += 1) expect(openSealKey(root, header.subarray(0, length))).toBeUndefined()
  expect(openSealKey(root, Buffer.concat([header, Buffer.of(0)]))).toBeUndefined()
  fc.assert(
    fc.property(fc.uint8Array({ minLength: sealKeyLength, maxLength: sealKeyLength }), (any) => openSealKey(root, any) === undefined),
  )
})

test('key and commitment are the halves of HMAC-SHA512 of label and salt, for every later release', () => {
  vi.spyOn(process.getBuiltinModule('node:crypto'), 'randomBytes').mockImplementation(() => Buffer.alloc(32, 7))
  const { key, header } = deriveSealKey(root)
  vi.restoreAllMocks()
  const mac = createHmac('sha512', bytes).update('finchat-secrets/seal-key/1').update(Buffer.alloc(32, 7)).digest()
  expect([key.export(), header]).toEqual([mac.subarray(0, 32), Buffer.concat([Buffer.alloc(32, 7), mac.subarray(32)])])
  expect(header.toString('hex', 32, 40)).toBe('ffca1d29bbfb47eb')
})

test('a root of bytes equals a KeyObject of them', () => {
  const { key, header } = deriveSealKey(bytes)
  expect([openSealKey(root, header)?.equals(key), openSealKey(bytes, header)?.equals(key)]).toEqual([true, true])
  expect(bytes[31]).toBe(31) // it is left as it was
})

test('a root that is not a secret key of 32 bytes is refused', () => {
  // As JavaScript callers may do.
  for (const wrong of [undefined, bytes.subarray(1), 'a'.repeat(32), createSecretKey(randomBytes(16))] as unknown as KeyObject[]) {
    for (const call of [() => deriveSealKey(wrong), () => openSealKey(wrong, new Uint8Array(sealKeyLength))]) {
      expect(call).toThrow(SecretsError)
      expect(call).toThrow(/neither 32 bytes nor a secret KeyObject/)
    }
  }
})

test('the memory from which the key was copied is overwritten', () => {
  const { header } = deriveSealKey(root)
  const compared = vi.spyOn(process.getBuiltinModule('node:crypto'), 'timingSafeEqual')
  expect(openSealKey(root, header)).toBeDefined()
  const [commitment] = compared.mock.lastCall as [Buffer, Buffer] // as our own call passes them
  vi.restoreAllMocks()
  expect(Buffer.from(commitment.buffer, commitment.byteOffset - 32, 32)).toEqual(Buffer.alloc(32))
})
