import type { SecretFields, SecretValue } from '@finchat/secrets-core'
import { hasCode, invalidArgument, isJsonObject, isVisibleAscii, jsonTextAt } from '@finchat/secrets-core/provider'
import type { Fence } from './target.ts'

/** What a secret of fields holds: texts, and in JSON text any member, such as a port. */
type Members = Readonly<Record<string, unknown>>

/** The members of a secret, without inherited ones; `undefined` if it is one text. */
export function fieldsOf(value: SecretValue): Members | undefined {
  const parsed = unlessInvalid(() => value.json())
  return isJsonObject(parsed) ? Object.assign(Object.create(null) as Members, parsed) : undefined
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
    const password = fields ? fields[passwordFieldIn(fields, passwordField)] : value.reveal()
    return typeof password === 'string' ? password : undefined
  })
}

/** Whether two versions have the same password, though other fields may differ. */
export function hasSamePassword(one: SecretValue, other: SecretValue, passwordField: string): boolean {
  const password = anyPasswordIn(one, passwordField)
  return password !== undefined && password === anyPasswordIn(other, passwordField)
}

/** The password's field. A store of fields keeps a lone text in the field `value`. */
export function passwordFieldIn(fields: Members, passwordField: string): string {
  const isText = Object.keys(fields).length === 1 && Object.hasOwn(fields, 'value')
  return isText ? 'value' : passwordField
}

/**
 * The value with another password, in its field if the secret has fields, and `more` of them. It keeps
 * its form: JSON text stays text, and named fields stay fields, so that readers find what they had.
 */
export function nextValue(current: SecretValue, password: string, passwordField: string, more: SecretFields = {}): string | SecretFields {
  const fields = fieldsOf(current)
  if (fields === undefined) return password
  const changes = { [passwordFieldIn(fields, passwordField)]: password, ...more }
  if (isJsonText(current)) return rewritten(current.jsonText(), fields, changes)
  if (hasTextsAlone(fields)) return { ...fields, ...changes }
  throw invalidArgument('a field of the secret is no text', 'store fields that are texts, or the secret as one JSON text')
}

/** Of named fields, `reveal()` gives the only one, or nothing. */
function isJsonText(value: SecretValue): boolean {
  return unlessInvalid(() => value.reveal()) === value.jsonText()
}

function hasTextsAlone(fields: Members): fields is SecretFields {
  return Object.values(fields).every((member) => typeof member === 'string')
}

/** The JSON text with other members as they are written: a parsed number may lose digits. */
function rewritten(text: string, fields: Members, changes: SecretFields): string {
  const members = Object.keys({ ...fields, ...changes }).map((key) => {
    const change = Object.hasOwn(changes, key) ? changes[key] : undefined
    return `${JSON.stringify(key)}:${change === undefined ? jsonTextAt(text, [key]) : JSON.stringify(change)}`
  })
  return `{${members.join(',')}}`
}

/**
 * Throws `INVALID_ARGUMENT` unless the password is of visible ASCII characters: clients and servers
 * may prepare others differently.
 */
export function assertPassword(password: unknown): asserts password is string {
  if (isVisibleAscii(password)) return
  throw invalidArgument('the password is not of visible ASCII characters', 'let a generator of passwords or tokens make it')
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
