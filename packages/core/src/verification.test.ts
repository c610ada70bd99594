import { webcrypto } from 'node:crypto'
import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { Verification } from './verification.ts'

/** Every code point that stands for a character: no lone surrogates. */
const anyCharacter = fc
  .oneof(fc.integer({ min: 0, max: 0xd7ff }), fc.integer({ min: 0xe000, max: 0x10ffff }))
  .map((code) => String.fromCodePoint(code))
const verification = new Verification()
afterEach(() => vi.restoreAllMocks())

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

function matches(candidate: string | Uint8Array, stored: string | Uint8Array): boolean {
  return verification.match(candidate, [verification.digest(typeof stored === 'string' ? bytes(stored) : stored)]) === 0
}

describe('Verification', () => {
  it('matches what is equal, as text or bytes, and nothing else', () => {
    const text = fc.string({ unit: anyCharacter, minLength: 1, maxLength: 30 })
    fc.assert(
      fc.property(text, text, (stored, other) => {
        expect(matches(stored, stored)).toBe(true)
        expect(matches(bytes(stored), stored)).toBe(true)
        expect(matches(other, stored)).toBe(other === stored)
        expect(matches(`${stored}\0`, stored)).toBe(false)
      }),
    )
  })

  it('says which digest matched', () => {
    const digests = ['current', 'previous'].map((text) => verification.digest(bytes(text)))
    expect(['current', 'previous', 'other'].map((candidate) => verification.match(candidate, digests))).toEqual([0, 1, -1])
    expect(verification.match('previous', [undefined, digests[1]])).toBe(1)
  })

  it('never matches what does not exist, whatever is presented', () => {
    const dummies = ['', 'x', 'dummy_secret_value_xxxxxxxx', '\0'.repeat(32), new Uint8Array(32)]
    for (const candidate of dummies) expect(verification.match(candidate, [undefined, undefined])).toBe(-1)
  })

  it.each([
    ['an empty stored secret and an empty candidate', '', ''],
    ['an empty candidate', '', 'x'],
    ['a lone surrogate, whose UTF-8 is that of U+FFFD', '\ud800', '\ufffd'],
    ['a lone surrogate after text', 'abc\udc00', 'abc\ufffd'],
  ])('never matches %s', (_, candidate, stored) => {
    expect(matches(candidate, stored)).toBe(false)
  })

  it('digests an empty value, and one that is too long, as nothing that could be presented', () => {
    for (const value of [new Uint8Array(0), new Uint8Array(4_097)])
      expect(verification.digest(value)).not.toEqual(verification.digest(value))
  })

  it('takes candidates up to 4 KiB of UTF-8, and refuses longer ones even if they are equal', () => {
    expect(matches('x'.repeat(4_096), 'x'.repeat(4_096))).toBe(true)
    expect(matches('x'.repeat(4_097), 'x'.repeat(4_097))).toBe(false)
    expect(matches('x'.repeat(4_097), 'x'.repeat(4_096))).toBe(false)
    expect(matches('x'.repeat(4_096), 'x'.repeat(4_097))).toBe(false)
    expect(matches('€'.repeat(1_365), '€'.repeat(1_365))).toBe(true)
    expect(matches('€'.repeat(1_366), '€'.repeat(1_366))).toBe(false)
    expect(matches('€'.repeat(100_000), 'x')).toBe(false)
    expect(matches(new Uint8Array(100_000), new Uint8Array(4_096))).toBe(false)
  })

  it('makes every comparison, in constant time, whatever is presented and held', () => {
    const compare = vi.spyOn(process.getBuiltinModule('node:crypto'), 'timingSafeEqual')
    const digest = verification.digest(bytes('x'))
    for (const candidate of ['x', 'y', '', '\ud800', 'x'.repeat(10_000)]) {
      for (const digests of [
        [digest, digest],
        [digest, undefined],
        [undefined, undefined],
      ])
        verification.match(candidate, digests)
    }
    expect(compare).toHaveBeenCalledTimes(5 * 3 * 2)
    for (const sides of compare.mock.calls) expect(sides.map(({ byteLength }) => byteLength)).toEqual([32, 32])
  })

  it('hashes no more of a long candidate than of one of 4 KiB', () => {
    // What is hashed here is always bytes.
    const hash = vi.spyOn(process.getBuiltinModule('node:crypto'), 'hash')
    for (const length of [4_096, 4_097, 1_000_000]) verification.match('x'.repeat(length), [])
    expect(new Set(hash.mock.calls.map(([, data]) => (data as Uint8Array).length))).toEqual(new Set([32 + 4_096]))
  })

  it('digests under a key of its own, so that no digest can be computed elsewhere', async () => {
    const digest = verification.digest(bytes('x'))
    expect(new Verification().digest(bytes('x'))).not.toEqual(digest)
    expect(new Uint8Array(await webcrypto.subtle.digest('SHA-256', Uint8Array.of(120)))).not.toEqual(Uint8Array.from(digest))
  })

  it('fills the whole of that key at random', () => {
    const fill = vi.spyOn(process.getBuiltinModule('node:crypto'), 'randomFillSync')
    new Verification().digest(bytes('x'))
    expect(fill.mock.calls.map(([, from, length]) => [from, length])).toEqual([[0, 32]])
  })

  it('leaves nothing of what it hashed in its scratch buffer', () => {
    const hash = vi.spyOn(process.getBuiltinModule('node:crypto'), 'hash')
    const candidates = ['canary-6e31', 'x'.repeat(4_097), '€'.repeat(2_000), new Uint8Array(4_097).fill(120)]
    for (const candidate of candidates) verification.match(candidate, [])
    for (const [index, [, data]] of hash.mock.calls.entries()) {
      const scratch = Buffer.from((data as Uint8Array).buffer, 32) // behind the key
      const length = Buffer.byteLength(candidates[index] ?? '')
      expect(scratch.subarray(0, length).every((byte) => byte === 0)).toBe(true)
    }
    expect(hash).toHaveBeenCalledTimes(candidates.length)
  })
})
