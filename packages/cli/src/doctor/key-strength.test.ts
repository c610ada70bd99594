import { generateKey } from '@finchat/secrets-core/sealing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { estimatedBits, probeKey } from './key-strength.ts'

describe('the strength of a key', () => {
  it.each([
    ['a generated key', generateKey(), 'ok'],
    ['64 hex digits', Buffer.from(generateKey().slice(4), 'base64url').toString('hex'), 'ok'],
    ['a passphrase', 'correct horse battery staple and more', 'warn'],
    ['a key that is too short', 'short', 'fail'],
    ['a damaged key', generateKey().slice(0, -3), 'fail'],
    ['no key', '', 'fail'],
  ])('of %s is %s', async (_, key, status) => {
    const finding = await probeKey(key)
    expect(finding.status).toBe(status)
    if (key !== '') expect(JSON.stringify(finding)).not.toContain(key)
  })

  it('is told without the length of a passphrase', async () => {
    const findings = await Promise.all(
      [33, 40, 60].map((length) =>
        probeKey('canary horse battery staple and more words to be long'.padEnd(length, 'xyz').slice(0, length)),
      ),
    )
    expect(new Set(findings.map(({ finding }) => finding)).size).toBe(1)
  })

  it.each([
    ['', 0],
    ['a', 4],
    ['abcdefgh', 18],
    ['abcdefghijklmnopqrst', 36],
    ['abcdefghijklmnopqrstuvwxyzabcdef', 48],
    ['Abcdefghijklmnopqrstuvwxyzabcde1', 54],
  ])('of the text %j is estimated as NIST does: %i bits', (text, bits) => {
    expect(estimatedBits(text)).toBe(bits)
  })

  it('never falls as a text grows, and never exceeds four bits a character and six', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (text, more) => {
        expect(estimatedBits(text + more)).toBeGreaterThanOrEqual(estimatedBits(text))
        expect(estimatedBits(text)).toBeLessThanOrEqual(4 * Array.from(text).length + 6)
      }),
    )
  })
})
