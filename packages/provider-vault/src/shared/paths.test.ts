import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canHoldPath, encodedPath, stagedPath } from './paths.ts'

test('a path that can be held is, once encoded and decoded as a server does, exactly itself', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (path) => {
      fc.pre(canHoldPath(path))
      const segments = encodedPath('kv', 'data', path).split('/')
      expect(segments.map(decodeURIComponent).join('/')).toBe(`kv/data/${path}`)
      expect(new URL(`http://a/v1/${segments.join('/')}`).pathname).toBe(
        `/v1/${segments.join('/').replaceAll("'", '%27').replaceAll('%27', "'")}`,
      )
    }),
  )
})

test.each([
  '',
  '.',
  '..',
  '/',
  'a/',
  '/a',
  'a//b',
  'a/../b',
  'a/./b',
  'a\nb',
  'a\0',
  '\u200b',
  '\ud800',
  'x'.repeat(513),
  stagedPath('a'),
  7,
  undefined,
])('%j cannot be held', (path) => {
  expect(canHoldPath(path)).toBe(false)
})

test.each(['a', 'a..b', '...', 'a b', 'ä/ß', '{{a}}', "a?b#c%2e'", 'a\\b', 'x'.repeat(512)])('%j can be held', (path) => {
  expect(canHoldPath(path)).toBe(true)
})
