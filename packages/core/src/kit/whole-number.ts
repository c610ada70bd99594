import { described } from '../errors/format.ts'
import { configurationError } from '../options/check-option.ts'

/**
 * Throws `CONFIGURATION` unless the option is a whole number from `least` to `most`.
 *
 * @example
 * import { assertWholeNumber } from '@finchat/secrets-core/provider'
 *
 * assertWholeNumber('port', 6514, 1, 65_535) // assertWholeNumber('port', 0.5, 1, 65_535) throws
 */
export function assertWholeNumber(option: string, value: unknown, least: number, most: number): asserts value is number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most) return
  const problem = `\`${option}\` is ${typeof value === 'number' ? value : described(value)}`
  throw configurationError(problem, `pass a whole number from ${least} to ${most}`)
}
