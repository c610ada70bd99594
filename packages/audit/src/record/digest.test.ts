import { expect, it } from 'vitest'
import { aRecord } from '../testing/sample-records.ts'
import { canonicalText } from './canonical.ts'
import { recordDigest } from './digest.ts'

it('the digest of a record is that of its line, whose bytes never change', () => {
  const record = aRecord({ actor: 'Zoë "\u2028', name: 'db/ключ', missed: undefined })
  expect(recordDigest(record)).toEqual({
    sha256: '5ff4594dc2de23e3af76362bd7896e2161838c58566cb8d19247a81e7d5ae650',
    bytes: Buffer.byteLength(canonicalText(record)),
  })
})

it('a record with half of a surrogate pair has a digest, though no canonical form', () => {
  const record = aRecord({ name: '\ud800' })
  expect(() => canonicalText(record)).toThrow(TypeError)
  expect(recordDigest(record).sha256).toMatch(/^[0-9a-f]{64}$/)
})
