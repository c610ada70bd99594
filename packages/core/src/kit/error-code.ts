import type { SecretsErrorCode } from '../contract/error-codes.ts'
import { SecretsError } from '../errors/secrets-error.ts'

/**
 * Returns whether this is a `SecretsError` with one of these codes, also of another copy of the
 * package. Never throws.
 *
 * @example
 * import { SecretsError } from '@finchat/secrets-core'
 * import { hasCode } from '@finchat/secrets-core/provider'
 *
 * const error = new SecretsError('DELETED', 'the secret was deleted')
 * console.log(hasCode(error, 'DELETED', 'NOT_FOUND'), hasCode(new Error('DELETED'), 'DELETED')) // true false
 */
export function hasCode(error: unknown, ...codes: readonly SecretsErrorCode[]): error is SecretsError {
  return SecretsError.isInstance(error) && codes.includes(error.code)
}

/**
 * Resolves as the promise does, or to `undefined` if it rejects with a `SecretsError` of this code.
 * Rejects with every other error.
 *
 * @example
 * import { SecretsError } from '@finchat/secrets-core'
 * import { undefinedOn } from '@finchat/secrets-core/provider'
 *
 * const read = Promise.reject(new SecretsError('NOT_FOUND', 'there is no such secret'))
 * console.log(await undefinedOn('NOT_FOUND', read)) // undefined
 */
export function undefinedOn<T>(code: SecretsErrorCode, promise: Promise<T>): Promise<T | undefined> {
  return promise.catch((error: unknown) => {
    if (hasCode(error, code)) return undefined
    throw error
  })
}
