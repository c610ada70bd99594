import { SecretsError } from '../errors/secrets-error.ts'

// No regular expression may see the secret: `RegExp.input` keeps the last matched text.

export interface Span {
  readonly start: number
  readonly end: number
}

/** Throws `INVALID_ARGUMENT` if it is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // JSON.parse's own message quotes its input.
    throw new SecretsError('INVALID_ARGUMENT', 'the secret is not JSON', { remedy: 'read it as text, or store JSON' })
  }
}

/**
 * Returns the JSON text under these nested keys, exactly as written; `undefined` if there is none.
 * The last of equal keys counts; indexes are the keys of an array. Throws `INVALID_ARGUMENT`,
 * without quoting the text, if it is no JSON.
 *
 * @example
 * import { jsonTextAt } from '@finchat/secrets-core/provider'
 *
 * console.log(jsonTextAt('{"data": {"pin": "0012", "rate": 1.10}}', ['data', 'rate'])) // 1.10
 */
export function jsonTextAt(text: string, keys: readonly string[]): string | undefined {
  const place = walk(text, spanOf(text), keys)
  return place && text.slice(place.start, place.end)
}

/** The text without surrounding space. Throws if it is no JSON. */
export function spanOf(text: string): Span {
  parseJson(text)
  return { start: afterSpace(text, 0), end: text.trimEnd().length }
}

/** The last of equal keys counts, as in JSON.parse. */
export function walk(text: string, from: Span, path: readonly string[]): Span | undefined {
  return path.reduce<Span | undefined>((place, key) => place && memberAt(text, place, key), from)
}

function memberAt(text: string, place: Span, key: string): Span | undefined {
  let found: Span | undefined
  visitMembers(text, place, (each, start, end) => {
    if (each === key) found = { start, end }
  })
  return found
}

export function unquote(literal: string): string {
  return JSON.parse(literal) as string // a JSON string's text
}

/** Indexes are the keys of an array (RFC 6901). */
export function membersAt(text: string, place: Span): (Span & { readonly key: string })[] {
  const members: (Span & { key: string })[] = []
  visitMembers(text, place, (key, start, end) => void members.push({ key, start, end }))
  return members
}

function visitMembers(text: string, { start, end }: Span, visit: (key: string, start: number, end: number) => void): void {
  const isObject = text[start] === '{'
  if (!isObject && text[start] !== '[') return
  let at = afterSpace(text, start + 1)
  for (let index = 0; at < end - 1; index += 1) {
    const keyEnd = isObject ? afterString(text, at) : at
    const valueStart = isObject ? afterMark(text, keyEnd) : at
    const valueEnd = afterValue(text, valueStart)
    visit(isObject ? keyIn(text.slice(at, keyEnd)) : String(index), valueStart, valueEnd)
    at = afterMark(text, valueEnd)
  }
}

/** A copy: a slice would keep the whole text in memory. */
function keyIn(literal: string): string {
  return literal.includes('\\') ? unquote(literal) : literal.slice(1, -1)
}

function afterValue(text: string, start: number): number {
  let at = start
  let depth = 0
  do {
    const character = text[at]
    if (character === '{' || character === '[') depth++
    if (character === '}' || character === ']') depth--
    at = character === '"' ? afterString(text, at) : at + 1
  } while (depth > 0 || !isBetweenValues(text, at))
  return at
}

function isBetweenValues(text: string, at: number): boolean {
  return isSpace(text, at) || text[at] === ',' || text[at] === '}' || text[at] === ']'
}

function afterString(text: string, start: number): number {
  let at = start + 1
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at + 1
}

function afterMark(text: string, start: number): number {
  return afterSpace(text, afterSpace(text, start) + 1)
}

function afterSpace(text: string, start: number): number {
  let at = start
  while (isSpace(text, at)) at++
  return at
}

/** In valid JSON only spaces are at or below U+0020 (RFC 8259). */
function isSpace(text: string, at: number): boolean {
  return text.charCodeAt(at) <= 0x20
}
