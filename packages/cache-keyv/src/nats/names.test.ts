import fc from 'fast-check'
import { expect, test } from 'vitest'
import { keyName, subjectOf } from './names.ts'

test('any two names have different keys, each of one token that NATS allows', () => {
  const name = fc.string({
    unit: fc.constantFrom('a', 'A', '0', '=', '{', '}', ':', '.', '/', '-', '_', ' ', '*', '>', 'é', '\u{1f511}', '\ud800'),
  })
  fc.assert(
    fc.property(name, name, (one, other) => {
      expect(keyName(one)).toMatch(/^[\w=-]*$/)
      expect(keyName(one) === keyName(other)).toBe(one === other)
    }),
  )
})

test('a key and a subject of the cache show its prefix', () => {
  expect(keyName('fs1:{aB-_}g')).toBe('fs1=003a=007baB-_=007dg')
  expect(subjectOf('fs1:aB')).toBe('finchat_secrets.fs1=003aaB')
})
