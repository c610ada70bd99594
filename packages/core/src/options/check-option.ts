import { described } from '../errors/format.ts'
import { SecretsError } from '../errors/secrets-error.ts'

/**
 * Returns a `CONFIGURATION` error for an option that cannot work.
 *
 * @example
 * import { configurationError } from '@finchat/secrets-core/provider'
 *
 * console.log(configurationError('`url` is missing', 'give `url`').message) // `url` is missing (give `url`)
 */
export function configurationError(problem: string, remedy?: string): SecretsError {
  return new SecretsError('CONFIGURATION', problem, { remedy })
}

/**
 * Returns an `INVALID_ARGUMENT` error for an argument that the store cannot take.
 *
 * @example
 * import { invalidArgument } from '@finchat/secrets-core/provider'
 *
 * console.log(invalidArgument('the path cannot be held').code) // INVALID_ARGUMENT
 */
export function invalidArgument(problem: string, remedy?: string): SecretsError {
  return new SecretsError('INVALID_ARGUMENT', problem, { remedy })
}

/**
 * Throws `CONFIGURATION` unless the option is a number from `least` to `most`.
 *
 * @example
 * import { assertWithin, longestTimerMs } from '@finchat/secrets-core/provider'
 *
 * assertWithin('timeoutMs', 4_500, 1, longestTimerMs) // assertWithin('timeoutMs', 0, 1, longestTimerMs) throws
 */
export function assertWithin(option: string, value: unknown, least: number, most: number): asserts value is number {
  if (typeof value === 'number' && value >= least && value <= most) return
  const problem = `\`${option}\` is ${typeof value === 'number' ? value : described(value)}`
  throw configurationError(problem, `pass a number from ${least} to ${most}`)
}
