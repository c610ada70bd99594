import { webcrypto } from 'node:crypto'
import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { Verification } from './digest.ts'

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
  it('matches an equal text or equal bytes, and nothing else', () => {
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

  it('reports which digest matched', () => {
    const digests = ['current', 'previous'].map((text) => verification.digest(bytes(text)))
    expect(['current', 'previous', 'other'].map((candidate) => verification.match(candidate, digests))).toEqual([0, 1, -1])
    expect(verification.match('previous', [undefined, digests[1]])).toBe(1)
  })

  it('never matches an absent digest, whatever is presented', () => {
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

  it('digests an empty value so that nothing matches it', () => {
    expect(verification.digest(new Uint8Array(0))).not.toEqual(verification.digest(new Uint8Array(0)))
  })

  it.each([4_096, 4_097, 65_536, 131_072, 1_048_576, 1_048_577, 3_000_000, 16 * 1_048_576])('matches a value of %d bytes', (length) => {
    const own = new Verification()
    const stored = new Uint8Array(length).fill(120)
    const digest = own.digest(stored)
    expect(own.match(stored, [digest])).toBe(0)
    expect(own.match('x'.repeat(length), [digest])).toBe(0)
    for (const other of [length - 1, length + 1]) {
      expect(own.match(new Uint8Array(other).fill(120), [digest])).toBe(-1)
      expect(own.match('x'.repeat(other), [digest])).toBe(-1)
    }
  })

  it.each(['€', '𝄞', 'ü'])('matches long text of %s, but no part of it', (unit) => {
    const text = unit.repeat(100_000)
    expect(matches(text, text)).toBe(true)
    expect(matches(`${text}x`, text)).toBe(false)
    expect(matches(text, `${text}x`)).toBe(false)
    const beyond = unit.repeat(1_048_576)
    expect(matches(beyond, unit)).toBe(false)
  })

  it('refuses to compare a value of more than 16 MiB', () => {
    const value = new Uint8Array(16 * 1_048_576 + 1)
    expect(() => verification.digest(value)).toThrow(expect.objectContaining({ code: 'UNSUPPORTED', remedy: expect.any(String) }))
  })

  it('makes every comparison in constant time, whatever is presented', () => {
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

  it('hashes at most 1 MiB of a candidate while all secrets are shorter', () => {
    const own = new Verification()
    const digest = own.digest(new Uint8Array(65_536))
    // What is hashed here is always bytes.
    const hash = vi.spyOn(process.getBuiltinModule('node:crypto'), 'hash')
    const longest = 1_048_576
    for (const candidate of ['x'.repeat(longest), 'x'.repeat(longest + 1), '€'.repeat(2 * longest), new Uint8Array(64 * longest)])
      own.match(candidate, [digest])
    expect(new Set(hash.mock.calls.map(([, data]) => (data as Uint8Array).length))).toEqual(new Set([32 + longest]))
  })

  it('hashes the length of the candidate, whatever the length of the secret', () => {
    const lengthsFor = (stored: number): number[] => {
      const own = new Verification()
      const digest = own.digest(new Uint8Array(stored))
      const hash = vi.spyOn(process.getBuiltinModule('node:crypto'), 'hash')
      for (const length of [1, 64, 4_096, 20_000, 900_000]) own.match('x'.repeat(length), [digest])
      const lengths = hash.mock.calls.map(([, data]) => (data as Uint8Array).length)
      hash.mockRestore()
      return lengths
    }
    const lengths = [1, 64, 4_096, 20_000, 900_000].map((length) => 32 + length)
    for (const stored of [1, 64, 65_536, 1_048_576]) expect(lengthsFor(stored)).toEqual(lengths)
  })

  it('digests under its own key, so that no digest can be computed elsewhere', async () => {
    const digest = verification.digest(bytes('x'))
    expect(new Verification().digest(bytes('x'))).not.toEqual(digest)
    expect(new Uint8Array(await webcrypto.subtle.digest('SHA-256', Uint8Array.of(120)))).not.toEqual(Uint8Array.from(digest))
  })

  it('digests content of any length under that key', () => {
    const hash = vi.spyOn(process.getBuiltinModule('node:crypto'), 'hash')
    const own = new Verification()
    for (const length of [1, 12_288, 12_289, 100_000]) own.match('x'.repeat(length), [])
    const keys = hash.mock.calls.map(([, data]) => Buffer.from(data as Uint8Array).toString('hex', 0, 32))
    expect(new Set(keys).size).toBe(1)
  })

  it('fills the whole key at random', () => {
    const fill = vi.spyOn(process.getBuiltinModule('node:crypto'), 'randomFillSync')
    new Verification().digest(bytes('x'))
    expect(fill.mock.calls.map(([, from, length]) => [from, length])).toEqual([[0, 32]])
  })

  it('leaves nothing of hashed content in its buffers', () => {
    const hash = vi.spyOn(process.getBuiltinModule('node:crypto'), 'hash')
    const candidates = ['canary-6e31', 'x'.repeat(4_097), '€'.repeat(2_000), new Uint8Array(4_097).fill(120), 'x'.repeat(2_000_000)]
    for (const candidate of candidates) verification.match(candidate, [])
    for (const [, data] of hash.mock.calls) {
      const buffer = Buffer.from((data as Uint8Array).buffer, 32, (data as Uint8Array).length - 32) // behind the key
      expect(buffer.every((byte) => byte === 0)).toBe(true)
    }
    expect(hash).toHaveBeenCalledTimes(candidates.length)
  })
})
