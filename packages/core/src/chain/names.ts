import { quoted } from '../errors/format.ts'
import { SecretsError } from '../errors/secrets-error.ts'

const grammar = /^[A-Za-z0-9/_+=.@:-]{1,512}$/
const emptyOrDots = /(^|\/)(\.{0,2})(\/|$)/

/**
 * Whether this is a valid logical name: 1 to 512 characters of `A-Z a-z 0-9 / _ + = . @ : -`. No
 * segment between slashes is empty, `.` or `..`. The grammar is AWS Secrets Manager's, with `:` for
 * ARNs.
 *
 * @example
 * import { isValidName } from '@finchat/secrets-core'
 *
 * console.log(isValidName('prod/db/password'), isValidName('../etc/passwd')) // true false
 */
export function isValidName(name: unknown): name is string {
  return typeof name === 'string' && grammar.test(name) && !emptyOrDots.test(name)
}

/** Throws `INVALID_ARGUMENT` unless `isValidName(name)`. */
export function assertValidName(name: unknown): asserts name is string {
  if (isValidName(name)) return
  throw new SecretsError('INVALID_ARGUMENT', `${quoted(name)} is not a valid secret name`, {
    remedy: "use 1 to 512 of A-Z a-z 0-9 / _ + = . @ : - without empty, '.' or '..' segments; reach other paths with `names`",
  })
}
