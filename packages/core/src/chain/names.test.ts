import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { assertValidName, isValidName } from './names.ts'
import { quoted } from '../errors/format.ts'

/** Every code point, lone surrogates included. */
const anyCharacter = fc.integer({ min: 0, max: 0x10ffff }).map((code) => String.fromCodePoint(code))

describe('isValidName', () => {
  it.each([
    'a',
    'prod/db/password',
    'FINCHAT_TOKEN',
    'a.b',
    '...',
    'a..b',
    'v1.2',
    '.env',
    'a@b=c+d-e',
    'arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf',
    'x'.repeat(512),
    '__proto__',
    'constructor',
  ])('takes %s', (name) => expect(isValidName(name)).toBe(true))

  it.each([
    '',
    '/',
    '/a',
    'a/',
    'a//b',
    '.',
    '..',
    '../a',
    'a/..',
    'a/../b',
    './a',
    'a/./b',
    'a\\b',
    '%2e%2e/a',
    'a b',
    'a#b',
    'a?b',
    'a\0b',
    'a\nb',
    'a\r\nb',
    'a\n',
    'é',
    '\ud800',
    '\u202e',
  ])('refuses %j', (name) => {
    expect(isValidName(name)).toBe(false)
  })

  it('refuses more than 512 characters', () => {
    for (const length of [513, 10_240]) expect(isValidName('x'.repeat(length))).toBe(false)
  })

  it.each([undefined, null, 5, {}, ['a'], new String('a')])('refuses %o, which is no text', (name) => {
    expect(isValidName(name)).toBe(false)
  })

  it('follows the grammar for each character and segment', () => {
    const text = fc.oneof(
      fc.string({ unit: anyCharacter, maxLength: 8 }),
      fc.string({ unit: fc.constantFrom('a', '.', '/', '-', ':', ' ', '%'), maxLength: 8 }),
    )
    fc.assert(
      fc.property(text, (name) => {
        const characters = [...name].every((each) =>
          'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/_+=.@:-'.includes(each),
        )
        const segments = name.split('/').every((each) => each !== '' && each !== '.' && each !== '..')
        expect(isValidName(name)).toBe(characters && segments)
      }),
    )
  })
})

describe('assertValidName', () => {
  it('throws INVALID_ARGUMENT on one line, with the remedy', () => {
    const refuse = (): void => assertValidName('a\r\nSecret access: name=x')
    expect(refuse).toThrow(
      expect.objectContaining({
        code: 'INVALID_ARGUMENT',
        message: expect.stringMatching(/^"a\\r\\nSecret access: name=x" is not a valid secret name \(use 1 to 512 .*\)$/),
      }),
    )
  })

  it('accepts a valid name', () => {
    expect(() => assertValidName('prod/db')).not.toThrow()
  })
})

describe('quoted', () => {
  it.each([
    ['ab"c', '"ab\\"c"'],
    ['\u202e\u00e9\0', '"\\u202e\\u00e9\\u0000"'],
    ['\ud83d\ude00', '"\\ud83d\\ude00"'],
    ['x'.repeat(41), `"${'x'.repeat(40)}"… (41 characters)`],
    [null, 'null'],
    [7, 'number'],
    [{ secret: 'x' }, 'object'],
  ])('shows %j as %s', (text, shown) => {
    expect(quoted(text)).toBe(shown)
  })

  it('shows any text on one line of printable ASCII, and never at length', () => {
    fc.assert(
      fc.property(fc.string({ unit: anyCharacter, maxLength: 200 }), (text) => {
        expect(quoted(text).replace('…', '')).toMatch(/^[\x20-\x7e]{2,280}$/)
      }),
    )
  })
})
