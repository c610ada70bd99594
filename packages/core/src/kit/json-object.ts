/**
 * Returns whether a parsed JSON value is an object, neither an array nor null.
 *
 * @example
 * import { isJsonObject } from '@finchat/secrets-core/provider'
 *
 * console.log(isJsonObject(JSON.parse('{"a":1}')), isJsonObject(JSON.parse('[1]'))) // true false
 */
export function isJsonObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
