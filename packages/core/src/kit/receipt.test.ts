import { expect, it } from 'vitest'
import { matchesReceipt } from './receipt.ts'

it.each([
  [{ version: 3 }, true],
  [{ revision: 'a' }, true],
  [{ version: 3, revision: 'a' }, true],
  [{ version: 3, revision: undefined }, true],
  [{ version: 4 }, false],
  [{ version: 3, revision: 'b' }, false],
  [{ version: 4, revision: 'a' }, false],
  [{}, false],
  [{ version: undefined, revision: undefined }, false],
])('a receipt %o names version 3 of revision a: %s', (receipt, expected) => {
  expect(matchesReceipt(receipt, { version: 3, revision: 'a' })).toBe(expected)
})

it('a version without a number is named by its revision, and not by a number', () => {
  expect(matchesReceipt({ revision: 'a' }, { revision: 'a' })).toBe(true)
  expect(matchesReceipt({ version: 3, revision: 'a' }, { revision: 'a' })).toBe(false)
})
