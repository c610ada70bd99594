import { expect, test } from 'vitest'
import { copies, secretValue } from '../../testing/secret-value.ts'
import { SecretValue } from '../../value/secret-value.ts'
import { isSameCredential, isSameVersion } from './same-secret.ts'

test('a version is the same by its number and revision, and without a number by its content', () => {
  const [one, again] = [secretValue('a', { version: 1 }), secretValue('a', { version: 1 })]
  expect([isSameVersion(one, one), isSameVersion(one, again)]).toEqual([true, true])
  expect(isSameVersion(one, secretValue('a', { version: 2 }))).toBe(false)
  expect(isSameVersion(one, secretValue('a', { version: 1, provider: 'other' }))).toBe(false)
  expect(isSameVersion(secretValue('a', { revision: 'r' }), secretValue('b', { revision: 's' }))).toBe(false)
  expect(isSameVersion(secretValue('a', { version: 1, revision: 'r' }), secretValue('a', { version: 1, revision: 's' }))).toBe(false)
  expect([isSameVersion(secretValue('a'), secretValue('a')), isSameVersion(secretValue('a'), secretValue('b'))]).toEqual([true, false])
})

test('a credential is the same by its content alone, whose copies are overwritten', () => {
  const [one, other] = [secretValue('a password', { version: 1 }), secretValue('a password', { version: 2 })]
  expect(isSameCredential(one, other)).toBe(true)
  expect([copies.get(one), copies.get(other)]).toEqual([[new Uint8Array(10)], [new Uint8Array(10)]])
})

test('a value that was wiped is still itself', () => {
  const wiped = (): never => {
    throw new Error('wiped')
  }
  const value = new SecretValue({ metadata: { provider: 'store', askedAt: 0 }, part: wiped, json: wiped }, false, false)
  expect(isSameCredential(value, value)).toBe(true)
})
