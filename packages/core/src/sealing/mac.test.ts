import { createHmac, createSecretKey } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { hmac, mac } from './mac.ts'

const raw = Buffer.alloc(32, 1)
const data = Buffer.from('data')

describe.each(['sha256', 'sha512'] as const)('the HMAC of %s', (name) => {
  const text = fc.oneof(
    fc.uint8Array(),
    fc.integer({ min: 3_900, max: 9_000 }).map((length) => new Uint8Array(length).fill(7)),
  )

  test("equals Node.js's over the concatenated texts, for bytes and for a KeyObject", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.array(text, { maxLength: 4 }), (key, texts) => {
        const expected = createHmac(name, key).update(Buffer.concat(texts)).digest()
        expect(hmac(name, key, texts)).toEqual(expected)
        expect(hmac(name, createSecretKey(key), texts)).toEqual(expected)
      }),
    )
  })

  test.each([10, 5_000])('overwrites its copies of the key and of %d bytes, but not the originals', (length) => {
    const crypto = process.getBuiltinModule('node:crypto')
    const spy = vi.spyOn(crypto, 'hash')
    const [key, given] = [Buffer.from(raw), Buffer.alloc(length, 5)]
    const made = hmac(name, key, [given])
    const hashed = spy.mock.calls.map(([, bytes]) => new Uint8Array((bytes as Uint8Array).buffer)) // what `hmac` gave it
    const digests = spy.mock.results.map(({ value }) => value as unknown as Buffer) // of 'buffer'
    spy.mockRestore()
    expect([key, given]).toEqual([raw, Buffer.alloc(length, 5)])
    expect(digests).toEqual([Buffer.alloc(made.length), made])
    for (const memory of hashed) expect(memory.every((byte) => byte === 0)).toBe(true)
  })
})

test('a MAC is HMAC-SHA256 in memory of its own', () => {
  const made = mac(raw, data, data)
  expect(made).toEqual(createHmac('sha256', raw).update('datadata').digest())
  expect([made.length, made.buffer.byteLength]).toEqual([32, 32])
  const other = mac(createSecretKey(raw), data, data)
  expect([other, other.buffer.byteLength]).toEqual([made, 32])
})
