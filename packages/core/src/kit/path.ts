/** The longest path that core passes to a provider. */
const longestPath = 2_048

/**
 * Returns whether this is a path that any provider may get: well-formed text of 1 to 2,048
 * characters without control characters. A store that holds fewer paths checks its own grammar.
 *
 * @example
 * import { isStorePath } from '@finchat/secrets-core/provider'
 *
 * console.log(isStorePath('prod/db'), isStorePath('prod\n'), isStorePath('')) // true false false
 */
export function isStorePath(path: unknown): path is string {
  return typeof path === 'string' && path.length > 0 && path.length <= longestPath && path.isWellFormed() && !/\p{Cc}/u.test(path)
}
