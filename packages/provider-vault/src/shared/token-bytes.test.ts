import { expect, test } from 'vitest'
import { TokenBytes } from './token-bytes.ts'

test('a held text is what was given, tells itself from others, and is no text once it was wiped', () => {
  const held = new TokenBytes('hvs.CAESI')
  expect([held.text(), held.is('hvs.CAESI'), held.is('hvs.CAES'), held.is('hvs.CAESJ')]).toEqual(['hvs.CAESI', true, false, false])
  held.wipe()
  expect([held.is('hvs.CAESI'), held.is('\0'.repeat(9))]).toEqual([false, false])
  expect(() => held.text()).toThrow('wiped')
})
