import { jsonTextAt, membersAt, type Span, spanOf, unquote, walk } from './json-text.ts'
import { quoted } from '../errors/format.ts'
import { SecretsError } from '../errors/secrets-error.ts'

// Fields are cut from the secret's own text and written into it. A parsed and printed copy would
// lose `1.10`, 12345678901234567890, key order and spaces. V8 (13.6) even parses {"\"":1} into a
// key of a backslash once it has parsed {"\\":1}.

/**
 * Returns one field: strings decoded, numbers and booleans as written, objects and arrays as JSON
 * text. `field` is a JSON pointer (RFC 6901) if it begins with `/`, else a top-level key. Throws
 * `INVALID_ARGUMENT` if the text is no JSON object, or the field is absent or null.
 */
export function cutField(text: string, field: string): string {
  const place = walk(text, wholeOf(text, field), pathOf(field))
  const value = place && valueAt(text, place)
  if (value === undefined) throw noField(field)
  return value
}

export function memberOf(text: string, key: string): string | undefined {
  const place = walk(text, spanOf(text), [key])
  return place && valueAt(text, place)
}

/**
 * The keys of an object or the indexes of an array; else none. Throws `INVALID_ARGUMENT` if it is
 * no JSON.
 */
export function keysOf(text: string): string[] {
  return [...new Set(membersAt(text, spanOf(text)).map((member) => member.key))]
}

/** As `cutField`; `undefined` if the field is absent or no string. */
export function textAt(text: string, field: string): string | undefined {
  const written = jsonTextAt(text, pathOf(field))
  return written?.startsWith('"') ? unquote(written) : undefined
}

/** Throws `INVALID_ARGUMENT` unless the map has exactly one field. */
export function soleField(text: string): string {
  const members = membersAt(text, wholeOf(text, ''))
  const [key, ...others] = new Set(members.map((member) => member.key))
  if (others.length > 0)
    throw new SecretsError('INVALID_ARGUMENT', 'the secret has several fields', { remedy: 'ask for one of them by `field`' })
  const last = members.at(-1)
  const value = last && valueAt(text, last)
  if (value === undefined)
    throw new SecretsError('INVALID_ARGUMENT', key === undefined ? 'the secret has no fields' : "the secret's only field is null")
  return value
}

/**
 * Sets one field to a string and keeps the rest as written; no text counts as `{}`. A pointer's
 * parent must exist, and so must an array's element. Throws as `cutField` does.
 */
export function setField(text: string | undefined, field: string, value: string): string {
  const whole = text ?? '{}'
  const path = pathOf(field)
  const key = path.at(-1) ?? ''
  const parent = walk(whole, wholeOf(whole, field), path.slice(0, -1))
  const old = parent && walk(whole, parent, [key])
  if (old) return splice(whole, old, JSON.stringify(value))
  if (!parent || whole[parent.start] !== '{') throw noField(field)
  return withMember(whole, parent, `${JSON.stringify(key)}:${JSON.stringify(value)}`)
}

function withMember(text: string, parent: Span, entry: string): string {
  const last = membersAt(text, parent).at(-1)
  const end = last?.end ?? parent.start + 1
  return splice(text, { start: end, end }, last ? `,${entry}` : entry)
}

function wholeOf(text: string, field: string): Span {
  const whole = spanOf(text)
  if (text[whole.start] === '{' || (text[whole.start] === '[' && field.startsWith('/'))) return whole
  throw new SecretsError('INVALID_ARGUMENT', 'the secret is not a JSON object, so it has no fields', {
    remedy: 'ask for it without a field',
  })
}

function noField(field: string): SecretsError {
  return new SecretsError('INVALID_ARGUMENT', `the secret has no field ${quoted(field)}`, {
    remedy: 'check the name of the field in the store',
  })
}

function pathOf(field: string): string[] {
  if (!field.startsWith('/')) return [field]
  if (/~(?![01])/.test(field)) {
    throw new SecretsError('INVALID_ARGUMENT', `${quoted(field)} is not a JSON pointer`, {
      remedy: "write '~' as '~0' and a '/' inside a key as '~1' (RFC 6901)",
    })
  }
  return field
    .slice(1)
    .split('/')
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'))
}

function valueAt(text: string, { start, end }: Span): string | undefined {
  const written = text.slice(start, end)
  if (written === 'null') return undefined
  return written.startsWith('"') ? unquote(written) : written
}

function splice(text: string, { start, end }: Span, replacement: string): string {
  return text.slice(0, start) + replacement + text.slice(end)
}
