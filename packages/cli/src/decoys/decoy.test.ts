import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decoyKey } from './decoy-key.ts'
import { isDecoy, makeDecoy } from './decoy.ts'

const key = Buffer.alloc(32, 'k'.repeat(5))
const other = Buffer.alloc(32, 'another')
const real = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.stringMatching(/^[0-9a-f]{1,80}$/),
  fc.base64String({ maxLength: 400 }),
  fc.webUrl(),
  fc
    .tuple(fc.constantFrom('file:', 'postgres:', 'jdbc:mysql:', 'data:', 'urn:', 'C:', 'unix:'), fc.string())
    .map((parts) => parts.join('//')),
)

describe('a decoy', () => {
  it('is recognised by its key, and by no other', () => {
    fc.assert(
      fc.property(real, (value) => {
        const decoy = makeDecoy(key, value)
        expect([isDecoy(key, decoy), isDecoy(other, decoy), decoy === value]).toEqual([true, false, false])
      }),
    )
  })

  it('is another each time, so that nobody can learn one from another', () => {
    expect(makeDecoy(key, 'x'.repeat(40))).not.toBe(makeDecoy(key, 'x'.repeat(40)))
  })

  it.each([
    ['letters and digits of the same length', 'Tr0ub4dor-and-3-and-many-more.', /^[0-9A-Za-z]{30}$/],
    ['more characters than a short value', 'short', /^[0-9A-Za-z]{24}$/],
    ['hex for hex', '0123456789abcdef'.repeat(4), /^[0-9a-f]{64}$/],
    ['the prefix of a known service', `sk_live_${'Zz'.repeat(12)}`, /^sk_live_[0-9A-Za-z]{24}$/],
    [
      'the scheme of a URL, and none of its rest',
      'postgres://ada:canary@host.test/name',
      /^postgres:\/\/app:[0-9A-Za-z]{24}@db\.internal\/app$/,
    ],
    ['no password, for a file', 'file:///etc/canary.key', /^file:\/\/\/app\/[0-9A-Za-z]{24}$/],
    ['no scheme that may be a part of a password', 'canary-hunter2://x', /^[0-9A-Za-z]{24}$/],
    ['an end, for a certificate', `-----BEGIN ${'x'.repeat(2_000)}`, /^[0-9A-Za-z]{256}$/],
  ])('has %s', (_, value, form) => {
    expect(makeDecoy(key, value)).toMatch(form)
  })

  it('shows no run of the real value', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 8, maxLength: 60 }), (value) => {
        const decoy = makeDecoy(key, value)
        expect(decoy.includes(value)).toBe(false)
      }),
    )
  })

  it('is found as the password in a URL', () => {
    const password = URL.parse(makeDecoy(key, 'redis://x:y@z'))?.password ?? ''
    expect(isDecoy(key, password)).toBe(true)
    expect(isDecoy(key, `https://someone:${password}@elsewhere.test`)).toBe(true)
  })

  it('is none once a character of its end is another', () => {
    const decoy = makeDecoy(key, 'x'.repeat(24))
    for (const [at, character] of Array.from(decoy).entries()) {
      const changed = `${decoy.slice(0, at)}${character === 'a' ? 'b' : 'a'}${decoy.slice(at + 1)}`
      expect(isDecoy(key, changed)).toBe(false)
    }
  })

  it('is no text that anybody else presents', () => {
    fc.assert(fc.property(fc.oneof(real, fc.string({ unit: 'binary' })), (text) => !isDecoy(key, text)))
    for (const text of ['', 'x', '0'.repeat(24), '0'.repeat(32), '\ud800'.repeat(24), 'x'.repeat(1_000_000)])
      expect(isDecoy(key, text)).toBe(false)
  })
})

describe('the key of decoys', () => {
  it('is 32 random bytes', () => {
    expect(decoyKey(Buffer.from(Array.from({ length: 32 }, (_, index) => index * 7)).toString('base64')).length).toBe(32)
  })

  it.each(['canary', 'canary correct horse battery staple and more'])('is not %j, and an error does not quote it', (text) => {
    expect(() => decoyKey(text)).toThrow(
      expect.objectContaining({ code: 'CONFIGURATION', message: expect.not.stringContaining('canary') as string }),
    )
  })
})
