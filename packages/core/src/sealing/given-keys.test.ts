import { expect, it } from 'vitest'
import { givenKeys, missingKey } from './given-keys.ts'

const canary = 'canary-5d21-of-a-key'

it('returns the one key, the ring as a copy, or undefined', () => {
  expect(givenKeys('key', canary, undefined)).toEqual([canary])
  const ring = [canary, 'another']
  expect(givenKeys('key', undefined, ring)).toEqual(ring)
  expect(givenKeys('key', undefined, ring)).not.toBe(ring)
  expect(givenKeys('key', undefined, undefined)).toBeUndefined()
})

it.each([
  [canary, [canary], '`key` and `keys` are both given'],
  [undefined, canary, '`keys` is text instead of an array'],
  [undefined, new Uint8Array(32), '`keys` is a Uint8Array instead of an array'],
  [undefined, [], 'no encryption key is given'],
  [undefined, [undefined], 'no encryption key is given'],
])('refuses what makes no sense, and shows no key', (key, keys, problem) => {
  expect(() => givenKeys('key', key, keys)).toThrow(expect.objectContaining({ code: 'CONFIGURATION', problem }))
  expect(() => givenKeys('key', key, keys)).toThrow(/^(?!.*canary)/)
})

it('missingKey names the option', () => {
  expect(missingKey('encryptionKey')).toMatchObject({ code: 'CONFIGURATION', remedy: expect.stringContaining('`encryptionKey`') })
})
