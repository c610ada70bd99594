import { quoted } from './names.ts'
import { SecretsError } from './secrets-error.ts'

// A field is cut out of, or written into, the secret's own text: only the text still has `1.10`, 12345678901234567890,
// the order of the keys and every space as somebody stored them, where a parsed and printed copy would not.

/** The secret's text as JSON. Throws `INVALID_ARGUMENT`, which does not quote it, if it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // JSON.parse's own message quotes its input.
    throw new SecretsError('INVALID_ARGUMENT', 'the secret is not JSON', { remedy: 'read it as text, or store JSON' })
  }
}

/**
 * One field of a secret that is JSON: strings as they are, numbers and booleans as written, objects and arrays as their JSON text.
 * `field` is a JSON pointer (RFC 6901) if it begins with `/`, else a key of the top-level object; null counts as absent.
 * Throws `INVALID_ARGUMENT`, without quoting the secret, if it is no JSON, no object, or has no such field.
 */
export function cutField(text: string, field: string): string {
  return cut(text, objectOf(text, field), pathOf(field), field)
}

/** The value of the only field of a secret whose store keeps named fields. Throws `INVALID_ARGUMENT` if there are several, or none. */
export function soleField(text: string): string {
  const whole = objectOf(text, '')
  const [key, ...others] = Object.keys(whole)
  if (key === undefined) throw new SecretsError('INVALID_ARGUMENT', 'the secret has no fields')
  if (others.length > 0) throw new SecretsError('INVALID_ARGUMENT', 'the secret has several fields', { remedy: 'ask for one: { field }' })
  return cut(text, whole, [key], key)
}

/**
 * The same JSON text with one field set to a string and all else exactly as written; no text begins as `{}`. A pointer's parent must
 * exist, and in an array the element too. Throws `INVALID_ARGUMENT` as `cutField` does.
 */
export function setField(text: string | undefined, field: string, value: string): string {
  const whole = text ?? '{}'
  const path = pathOf(field)
  const key = path.at(-1) ?? ''
  const parent = valueAt(objectOf(whole, field), path.slice(0, -1))
  if (!isObject(parent) && childOf(parent, key) === undefined) throw noField(field)

  const span = spanAt(whole, path.slice(0, -1))
  const members = membersAt(whole, span)
  const old = members.findLast((member) => member.key === key)
  if (old) return splice(whole, old, JSON.stringify(value))
  const entry = `${JSON.stringify(key)}:${JSON.stringify(value)}`
  const last = members.at(-1)
  return last
    ? splice(whole, { start: last.end, end: last.end }, `,${entry}`)
    : splice(whole, { start: span.start + 1, end: span.start + 1 }, entry)
}

function cut(text: string, whole: object, path: readonly string[], field: string): string {
  const value = valueAt(whole, path)
  if (value === undefined || value === null) throw noField(field)
  if (typeof value === 'string') return value
  const { start, end } = spanAt(text, path)
  return text.slice(start, end)
}

/** What the field is to be found in: an object; a pointer may begin in an array. */
function objectOf(text: string, field: string): object {
  const whole = parseJson(text)
  if (isObject(whole) || (Array.isArray(whole) && field.startsWith('/'))) return whole
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

function valueAt(whole: object, path: readonly string[]): unknown {
  return path.reduce<unknown>(childOf, whole)
}

/** An own member, or an element by an index that RFC 6901 allows. */
function childOf(parent: unknown, key: string): unknown {
  if (Array.isArray(parent)) return /^(0|[1-9]\d*)$/.test(key) ? (parent as unknown[])[Number(key)] : undefined
  return isObject(parent) && Object.hasOwn(parent, key) ? parent[key] : undefined
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

interface Span {
  readonly start: number
  readonly end: number
}

/** Where the value at this path, which is known to exist, stands in the text. Of equal keys the last counts, as in JSON.parse. */
function spanAt(text: string, path: readonly string[]): Span {
  const whole: Span = { start: text.search(/\S/), end: text.trimEnd().length }
  return path.reduce((span, key) => membersAt(text, span).findLast((member) => member.key === key) ?? span, whole)
}

const lexemes = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\]:,]|[^\s"{}[\]:,]+/g

/** The members of the object, or the elements of the array, at this place in a text that JSON.parse accepted. */
function membersAt(text: string, { start, end }: Span): (Span & { readonly key: string })[] {
  const members: (Span & { key: string })[] = []
  let depth = 0
  let key: string | undefined
  let member: Span | undefined
  for (const { 0: lexeme, index } of text.slice(start, end).matchAll(lexemes)) {
    if (lexeme === '}' || lexeme === ']') depth--
    if (depth === 0 || (depth === 1 && lexeme === ',')) {
      if (member) members.push({ key: key ?? String(members.length), ...member })
      key = member = undefined
    } else if (depth === 1 && lexeme === ':' && member) {
      key = JSON.parse(text.slice(member.start, member.end)) as string // before a colon stands a string
      member = undefined
    } else {
      member = { start: member?.start ?? start + index, end: start + index + lexeme.length }
    }
    if (lexeme === '{' || lexeme === '[') depth++
  }
  return members
}

function splice(text: string, { start, end }: Span, replacement: string): string {
  return text.slice(0, start) + replacement + text.slice(end)
}
