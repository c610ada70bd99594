/**
 * Returns the own property at this path of an answer; undefined if there is none.
 *
 * @example
 * import { member } from '@finchat/secrets-core/http'
 *
 * console.log(member({ data: { keys: ['a'] } }, 'data', 'keys'), member({}, 'constructor')) // [ 'a' ] undefined
 */
export function member(value: unknown, ...keys: readonly string[]): unknown {
  let found = value
  for (const key of keys) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, key)) return undefined
    found = (found as Readonly<Record<string, unknown>>)[key] // an own property, as checked before
  }
  return found
}
