import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { passwordCount, passwordGenerator, type CharacterClass, type PasswordPolicy } from './password.ts'

const patterns = { lower: /[a-z]/, upper: /[A-Z]/, digit: /[0-9]/, symbol: /[^a-zA-Z0-9]/ }
const classNames = fc.uniqueArray(fc.constantFrom<CharacterClass>('lower', 'upper', 'digit', 'symbol'), { minLength: 1 })

describe('a password', () => {
  test('has the length and every class of its policy, and no excluded character', () => {
    const policies = fc.record({
      length: fc.integer({ min: 41, max: 200 }), // of nine digits, 41 are 2^128
      classes: classNames,
      exclude: fc.constantFrom('', 'lIO0', '!abc'),
    })
    fc.assert(
      fc.property(policies, (policy) => {
        const password = passwordGenerator(policy)()
        expect(password).toHaveLength(policy.length)
        for (const name of ['lower', 'upper', 'digit', 'symbol'] as const)
          expect(patterns[name].test(password)).toBe(policy.classes.includes(name))
        for (const character of policy.exclude) expect(password).not.toContain(character)
        expect(password).toMatch(/^[\x21-\x7e]+$/)
      }),
    )
  })

  test('is 32 letters and digits by default, and never the same', () => {
    const generate = passwordGenerator()
    const passwords = new Set(Array.from({ length: 100 }, generate))
    expect(passwords.size).toBe(100)
    for (const password of passwords) expect(password).toMatch(/^[a-zA-Z0-9]{32}$/)
  })

  test('is drawn again as a whole, until it has every class', () => {
    const bytes = (at: (index: number) => number): Buffer => Buffer.from(Array.from({ length: 32 }, (_, index) => at(index)))
    const draws = [bytes(() => 0), bytes((index) => 26 * (index % 2)), bytes((index) => 2 * index)] // lower; lower and upper; all
    const randomBytes = vi.spyOn(process.getBuiltinModule('node:crypto'), 'randomBytes').mockImplementation(() => draws.shift())
    const password = passwordGenerator()()
    randomBytes.mockRestore()
    expect([password, draws]).toEqual(['acegikmoqsuwyACEGIKMOQSUWY02468a', []])
  })

  test('takes symbols of its own', () => {
    expect(passwordGenerator({ classes: ['digit', 'symbol'], symbols: '_', length: 60 })()).toMatch(/^[0-9_]{60}$/)
  })

  test('has each class at every position: no character is put in for a missing class', () => {
    const generate = passwordGenerator({ length: 22, classes: ['lower', 'upper', 'digit'] })
    const passwords = Array.from({ length: 6_000 }, generate)
    const positions = Array.from({ length: 22 }, (_, at) => passwords.filter((password) => patterns.digit.test(password.charAt(at))).length)
    // By the exact count: 6,000 times the share of passwords with a digit at one given place, within six standard deviations.
    const withDigit = Number((10n * passwordCount([26, 26], 21, 10) * 10_000n) / passwordCount([26, 26, 10], 22)) / 10_000
    const deviation = Math.sqrt(6_000 * withDigit * (1 - withDigit))
    for (const count of positions) expect(Math.abs(count - 6_000 * withDigit)).toBeLessThan(6 * deviation)
  })
})

describe('the number of passwords', () => {
  test('is what counting them one by one gives', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 3 })
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 4 }), (classes, length) => {
        const alphabet = classes.flatMap((size, name) => Array.from({ length: size }, () => name))
        let texts: number[][] = [[]]
        for (let at = 0; at < length; at += 1) texts = texts.flatMap((text) => alphabet.map((character) => [...text, character]))
        expect(passwordCount(classes, length)).toBe(BigInt(texts.filter((text) => new Set(text).size === classes.length).length))
      }),
    )
  })
})

describe('a policy', () => {
  test.each<[string, PasswordPolicy]>([
    ['fewer than 2^128', { length: 21 }],
    ['fewer than 2^128', { length: 38, classes: ['digit'] }],
    ['leaves a class without', { exclude: '0123456789' }],
    ['no list of classes', { classes: [] }],
    ['no list of classes', { classes: ['toString' as CharacterClass] }],
    ['visible ASCII', { symbols: 'ü', classes: ['symbol'] }],
    ...['a', 'z', 'A', 'Z', '0', '9'].map((letter): [string, PasswordPolicy] => [
      'visible ASCII',
      { symbols: `_${letter}`, classes: ['symbol'] },
    ]),
    ['no list of classes', { classes: ['lower', 'other' as CharacterClass] }],
    ['fewer than 2^128', { length: 1 }],
    ['`length` is 1025', { length: 1_025 }],
    ['`length` is 0', { length: 0 }],
    ['`length` is 2000', { length: 2000 }],
    ['not known', { lenght: 40 } as PasswordPolicy],
  ])('is refused with "%s"', (problem, policy) => {
    expect(() => passwordGenerator(policy)).toThrow(
      expect.objectContaining({ code: 'CONFIGURATION', message: expect.stringContaining(problem) }),
    )
  })

  test('at the limit of 2^128 is accepted', () => {
    expect(passwordGenerator({ length: 39, classes: ['digit'] })()).toHaveLength(39)
    expect(passwordGenerator({ length: 22 })()).toHaveLength(22)
    expect(passwordGenerator({ length: 1_024 })()).toHaveLength(1_024)
  })
})
