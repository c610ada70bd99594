import { expect, it } from 'vitest'
import { isVisibleAscii } from './credential.ts'

it.each(['!', '~', 's.9f2c"\'', 'x'.repeat(5_000)])('takes %j', (text) => expect(isVisibleAscii(text)).toBe(true))

it.each(['', ' ', 'a b', 'a\n', 'a\0', '\u007f', 'é', '🔑', undefined, null, 7, ['a']])('refuses %j', (text) => {
  expect(isVisibleAscii(text)).toBe(false)
})

it('leaves the text in no property of RegExp', () => {
  const canary = 'canary-77b1-of-a-token'
  isVisibleAscii(canary)
  expect(Reflect.get(RegExp, 'input')).not.toContain(canary)
})
