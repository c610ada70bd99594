import { expect, it } from 'vitest'
import { isStorePath } from './locator.ts'

it.each(['a', 'a b', '../a', 'Ünïcode/🔑', '\u202e', 'x'.repeat(2_048)])('takes %j', (path) => expect(isStorePath(path)).toBe(true))

it.each(['', 'a\n', 'a\0', '\u0085', '\ud800', 'x'.repeat(2_049), undefined, null, 5, ['a'], new String('a')])('refuses %j', (path) => {
  expect(isStorePath(path)).toBe(false)
})
