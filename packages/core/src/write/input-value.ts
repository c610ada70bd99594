import type { NewSecret } from '../contract/provider.ts'
import { described } from '../errors/format.ts'
import { lentCopy } from '../value/off-heap-bytes.ts'
import { SecretsError } from '../errors/secrets-error.ts'

/**
 * Named fields, such as `{ user: 'app', password: '00123' }`. A store without fields keeps them as
 * JSON text.
 */
export type SecretFields = Readonly<Record<string, string>>

/**
 * Returns a copy of the value for a provider, since callers may wipe their bytes after the call.
 * Throws `INVALID_ARGUMENT` if the value could not be read back as written; the message never shows
 * it.
 */
export function writtenValue(value: unknown): Required<Pick<NewSecret, 'value' | 'shape'>> {
  if (value instanceof Uint8Array) return { value: lentCopy(value), shape: undefined }
  if (typeof value === 'object' && value !== null && isPlain(value)) return { value: jsonOf(value), shape: 'map' }
  if (typeof value === 'string' && value.isWellFormed()) return { value, shape: undefined }
  throw invalid(
    `the value is ${typeof value === 'string' ? 'not well-formed UTF-16' : described(value)}`,
    'pass a string, a Uint8Array, or an object of strings',
  )
}

/** A class may keep its data outside its members, so only plain objects count. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null // of another realm it has another `Object.prototype`
}

/** Not `JSON.stringify`: it would call a `toJSON` on a polluted prototype. */
function jsonOf(value: object): string {
  const fields = Reflect.ownKeys(value).map((key) => fieldOf(key, Object.getOwnPropertyDescriptor(value, key)))
  if (fields.length === 0) throw invalid('the object has no fields', "pass at least one: { password: '…' }")
  return `{${fields.join(',')}}`
}

function fieldOf(name: string | symbol, member: PropertyDescriptor | undefined): string {
  const value: unknown = member?.value
  if (typeof name !== 'string' || !member?.enumerable || typeof value !== 'string')
    throw invalid('a member of the object is no string', 'pass strings alone; JSON.stringify an object that holds others')
  if (name === '' || !name.isWellFormed() || !value.isWellFormed())
    throw invalid('a field of the object is unnamed, or not well-formed UTF-16', 'give each a name and a text that can be read back')
  return `${JSON.stringify(name)}:${JSON.stringify(value)}`
}

function invalid(problem: string, remedy: string): SecretsError {
  return new SecretsError('INVALID_ARGUMENT', problem, { remedy })
}
