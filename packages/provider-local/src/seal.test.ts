import { createSecretKey } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { seal, unseal } from './seal.ts'

const key = createSecretKey(Buffer.alloc(32, 1))
const data = Buffer.from('associated data')

test('what was sealed opens to the same bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.uint8Array(), (plaintext, associated) => {
      expect(unseal(key, associated, seal(key, associated, plaintext))).toEqual(Buffer.from(plaintext))
    }),
  )
})

test('no bit of it can be flipped, and nothing cut off or added', () => {
  const sealed = seal(key, data, Buffer.from('value'))
  for (let bit = 0; bit < sealed.length * 8; bit++) {
    const flipped = Buffer.from(sealed)
    flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
    expect(unseal(key, data, flipped)).toBeUndefined()
  }
  for (let length = 0; length < sealed.length; length++) expect(unseal(key, data, sealed.subarray(0, length))).toBeUndefined()
  expect(unseal(key, data, Buffer.concat([sealed, Buffer.of(0)]))).toBeUndefined()
})

test('it opens under its own key and associated data only', () => {
  const sealed = seal(key, data, Buffer.from('value'))
  expect(unseal(createSecretKey(Buffer.alloc(32, 2)), data, sealed)).toBeUndefined()
  expect(unseal(key, Buffer.from('associated datb'), sealed)).toBeUndefined()
})

test('the same plaintext is never sealed the same way twice', () => {
  const seals = Array.from({ length: 100 }, () => seal(key, data, Buffer.from('value')).toString('hex', 0, 12))
  expect(new Set(seals).size).toBe(100)
})
