import { assertWholeNumber, configurationError, isVisibleAscii, knownOptions } from '@finchat/secrets-core/provider'
import { randomText } from './unbiased.ts'

/** A kind of characters. */
export type CharacterClass = 'lower' | 'upper' | 'digit' | 'symbol'

/** What a password is made of. */
export interface PasswordPolicy {
  /** Default 32, at most 1,024. */
  readonly length?: number | undefined
  /** Each occurs at least once. Default: lower, upper, digit, which need no escape anywhere. */
  readonly classes?: readonly CharacterClass[] | undefined
  /** The characters of the class `symbol`. Default: `!#$%&*+-./:;=?@^_~`. */
  readonly symbols?: string | undefined
  /** Characters that the target refuses, or that people mistake: `lIO0`. */
  readonly exclude?: string | undefined
}

const lower = 'abcdefghijklmnopqrstuvwxyz'
const given = { lower, upper: lower.toUpperCase(), digit: '0123456789', symbol: '!#$%&*+-./:;=?@^_~' }

/**
 * Returns a function that makes passwords by a policy. Every password that the policy allows is
 * equally likely, so no position is predictable. Throws `CONFIGURATION` if the policy allows fewer
 * than 2^128.
 *
 * @example
 * import { passwordGenerator } from '@finchat/secrets-rotation'
 *
 * const generate = passwordGenerator({ length: 40, classes: ['lower', 'upper', 'digit', 'symbol'], exclude: 'lIO0' })
 * console.log(generate().length) // 40
 */
export function passwordGenerator(policy: PasswordPolicy = {}): () => string {
  const { length, classes } = checkedPolicy(policy)
  const alphabet = classes.join('')
  const isAllowed = (password: string): boolean => classes.every((each) => [...each].some((character) => password.includes(character)))
  return () => {
    // Draws whole passwords again, since to put in a missing class would make some more likely. One
    // in ten or more is allowed, whatever the policy: it allows 2^128.
    for (;;) {
      const password = randomText(alphabet, length)
      if (isAllowed(password)) return password
    }
  }
}

interface Checked {
  readonly length: number
  /** The characters of each class. */
  readonly classes: readonly string[]
}

function checkedPolicy(policy: PasswordPolicy): Checked {
  const known = knownOptions(policy, { length: 'number', classes: 'any', symbols: 'string', exclude: 'string' })
  const { length = 32, symbols = given.symbol, exclude = '' } = known
  assertWholeNumber('length', length, 1, 1_024)
  if (!isVisibleAscii(symbols) || [...symbols].some((symbol) => (given.lower + given.upper + given.digit).includes(symbol)))
    throw configurationError('`symbols` are not visible ASCII without letters and digits', 'leave out what a keyboard does not have')
  const characters = { ...given, symbol: symbols }
  const classes = [...new Set(namesOf(known.classes))].map((name) => without(characters[name], exclude))
  if (classes.includes(''))
    throw configurationError('`exclude` leaves a class without a character', 'exclude fewer, or ask for fewer classes')
  assertStrong(classes, length)
  return { length, classes }
}

function namesOf(classes: unknown = ['lower', 'upper', 'digit']): readonly CharacterClass[] {
  const isName = (name: unknown): name is CharacterClass => typeof name === 'string' && Object.hasOwn(given, name)
  if (Array.isArray(classes) && classes.length > 0 && classes.every(isName)) return classes
  throw configurationError('`classes` is no list of classes', 'use lower, upper, digit, symbol')
}

function without(characters: string, exclude: string): string {
  return [...new Set(characters)].filter((character) => !exclude.includes(character)).join('')
}

function assertStrong(classes: readonly string[], length: number): void {
  const count = passwordCount(
    classes.map(({ length: size }) => size),
    length,
  )
  if (count >> 128n === 0n)
    throw configurationError('the policy allows fewer than 2^128 passwords', 'make them longer, or of more characters')
}

/**
 * Returns how many texts of `length` characters have every class, by inclusion and exclusion. Texts
 * that lack the first class are subtracted from all texts.
 */
export function passwordCount(sizes: readonly number[], length: number, alphabet = 0): bigint {
  const [first, ...others] = sizes
  if (first === undefined) return BigInt(alphabet) ** BigInt(length)
  return passwordCount(others, length, alphabet + first) - passwordCount(others, length, alphabet)
}
