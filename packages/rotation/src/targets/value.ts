import type { SecretFields, SecretValue } from '@finchat/secrets-core'
import { hasCode, invalidArgument, isJsonObject, isVisibleAscii } from '@finchat/secrets-core/provider'
import type { Fence } from './target.ts'

/** The fields of a secret, without inherited members; `undefined` if it is one text. */
export function fieldsOf(value: SecretValue): SecretFields | undefined {
  const parsed = parsedOf(value)
  if (!isJsonObject(parsed)) return undefined
  const fields = Object.entries(parsed)
  if (fields.every((field): field is [string, string] => typeof field[1] === 'string'))
    return Object.assign(Object.create(null) as SecretFields, Object.fromEntries(fields))
  throw invalidArgument('a field of the secret is no text', 'store fields that are texts')
}

function parsedOf(value: SecretValue): unknown {
  return unlessInvalid(() => value.json())
}

/** Undefined where the value has no such form, such as a text of bytes. */
export function unlessInvalid<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (hasCode(error, 'INVALID_ARGUMENT')) return undefined
    throw error
  }
}

/** The password in its field, or the whole text. Throws as `assertPassword` does. */
export function passwordIn(value: SecretValue, passwordField: string): string {
  const password = anyPasswordIn(value, passwordField)
  assertPassword(password)
  return password
}

/** As `passwordIn`, of a value that others wrote: any text, or undefined. */
export function anyPasswordIn(value: SecretValue, passwordField: string): string | undefined {
  return unlessInvalid(() => {
    const fields = fieldsOf(value)
    return fields ? fields[passwordFieldIn(fields, passwordField)] : value.reveal()
  })
}

/** Whether two versions have the same password, though other fields may differ. */
export function hasSamePassword(one: SecretValue, other: SecretValue, passwordField: string): boolean {
  const password = anyPasswordIn(one, passwordField)
  return password !== undefined && password === anyPasswordIn(other, passwordField)
}

/** The password's field. A store of fields keeps a lone text in the field `value`. */
export function passwordFieldIn(fields: SecretFields, passwordField: string): string {
  const isText = Object.keys(fields).length === 1 && Object.hasOwn(fields, 'value')
  return isText ? 'value' : passwordField
}

/** The value with another password, in its field if the secret has fields. */
export function nextValue(current: SecretValue, password: string, passwordField: string): string | SecretFields {
  const fields = fieldsOf(current)
  return fields ? { ...fields, [passwordFieldIn(fields, passwordField)]: password } : password
}

/**
 * Throws `INVALID_ARGUMENT` unless the password is of visible ASCII characters: clients and servers
 * may prepare others differently.
 */
export function assertPassword(password: unknown): asserts password is string {
  if (isVisibleAscii(password)) return
  throw invalidArgument('the password is not of visible ASCII characters', 'generate it with passwordGenerator or tokenGenerator')
}

/** Returns the token. Throws `INVALID_ARGUMENT` unless it is a whole number: SQL contains it. */
export function tokenOf({ token }: Fence): number {
  if (Number.isSafeInteger(token) && token >= 0) return token
  throw invalidArgument('the token of the fence is no whole number', 'pass twice the attempt, plus one for a rollback')
}

/** Returns whether a token belongs to a rollback: what else was set is withdrawn. */
export function isRollback(token: number): boolean {
  return token % 2 === 1
}
