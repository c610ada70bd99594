import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { matchesGlob } from './name-glob.ts'

describe('a pattern of names', () => {
  it.each([
    ['A', 'A', true],
    ['A', 'AB', false],
    ['finchat/*', 'finchat/db/url', true],
    ['*_URL', 'DB_URL', true],
    ['a*a', 'a', false],
    ['*', '', true],
    ['DB?', 'DB?', true],
  ])('%s and %s: %s', (pattern, name, isMatch) => expect(matchesGlob(name, pattern)).toBe(isMatch))

  it('describes what the regular expression with .* in its place does', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '/', '*'), maxLength: 8 })
    fc.assert(
      fc.property(text, text, (pattern, name) => {
        const expression = new RegExp(`^${pattern.replaceAll('*', '.*')}$`)
        expect(matchesGlob(name, pattern)).toBe(expression.test(name))
      }),
      { numRuns: 500 },
    )
  })
})
