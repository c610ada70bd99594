import { described } from '../errors/format.ts'
import { configurationError } from '../options/check-option.ts'

/**
 * Returns whether this is a whole number from `least` to `most`, which a double holds exactly.
 *
 * @example
 * import { isWholeNumber } from '@finchat/secrets-core/provider'
 *
 * console.log(isWholeNumber(7, 1, 9), isWholeNumber(0.5, 0, 9), isWholeNumber('7', 1, 9)) // true false false
 */
export function isWholeNumber(value: unknown, least: number, most: number): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most
}

/**
 * Throws `CONFIGURATION` unless the option is a whole number from `least` to `most`.
 *
 * @example
 * import { assertWholeNumber } from '@finchat/secrets-core/provider'
 *
 * assertWholeNumber('port', 6514, 1, 65_535) // assertWholeNumber('port', 0.5, 1, 65_535) throws
 */
export function assertWholeNumber(option: string, value: unknown, least: number, most: number): asserts value is number {
  if (isWholeNumber(value, least, most)) return
  const problem = `\`${option}\` is ${typeof value === 'number' ? value : described(value)}`
  throw configurationError(problem, `pass a whole number from ${least} to ${most}`)
}
