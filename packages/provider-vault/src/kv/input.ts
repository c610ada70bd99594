import { type NewSecret, SecretsError } from '@finchat/secrets-core'
import { isObject, type JsonObject } from '../http/answer.ts'
import { limits } from '../shared/manifest.ts'

/** The field that holds a plain text: Vault keeps named fields and nothing else. */
const textField = 'value'

/** A positive integer. Throws `INVALID_ARGUMENT` otherwise: `?version=0` would be answered with the current one. */
export function assertVersion(version: unknown): asserts version is number {
  if (typeof version === 'number' && Number.isSafeInteger(version) && version > 0) return
  throw invalid('a version is a positive integer', 'use 1, 2, 3, …')
}

/** Throws `INVALID_ARGUMENT` unless every tag can be held; `null` drops one. */
export function assertTags(tags: Readonly<Record<string, string | null>>): void {
  const entries = Object.entries(tags)
  const fit = entries.every(
    ([key, value]) => isTagText(key, limits.tagKeyBytes) && (value === null || isTagText(value, limits.tagValueBytes)),
  )
  if (fit && entries.length <= limits.tags) return
  throw invalid(
    'a tag cannot be held',
    `use at most ${limits.tags}, with keys of 1 to ${limits.tagKeyBytes} bytes and values of 1 to ${limits.tagValueBytes}`,
  )
}

/** The fields to store, as JSON text. Throws `INVALID_ARGUMENT` for all that Vault could not give back exactly. */
export function fieldsOf({ value, shape }: Pick<NewSecret, 'value' | 'shape'>): string {
  if (typeof value !== 'string') throw invalid('Vault holds text, not bytes', 'encode them, say as base64')
  if (!value.isWellFormed()) throw invalid('the value has a lone surrogate, which no encoding gives back', 'encode it, say as base64')
  if (shape !== 'map') {
    assertFits(value)
    return JSON.stringify({ [textField]: value })
  }
  const [only, ...others] = Object.values(exactFields(value))
  // The one text of a secret may be as long under every name.
  assertFits(typeof only === 'string' && others.length === 0 ? only : value)
  return value
}

function assertFits(value: string): void {
  if (Buffer.byteLength(value) > limits.valueBytes) throw invalid('the value is too large', `keep it within ${limits.valueBytes} bytes`)
}

/** OpenBao rounds numbers to doubles, and writes them in one way only. */
function exactFields(text: string): JsonObject {
  let isExact = true
  const look = (_key: string, value: unknown, context?: { readonly source?: string }): unknown => {
    if (typeof value === 'number' && context?.source !== undefined) isExact &&= String(value) === context.source
    if (typeof value === 'string') isExact &&= value.isWellFormed()
    return value
  }
  const fields = parsed(text, look)
  if (!isObject(fields)) throw invalid('a secret with fields is a JSON object', 'write { "field": "value" }, or a plain text')
  if (!isExact) throw invalid('a field holds a number or a text that Vault would not give back as it is', 'write the number as text')
  return fields
}

function parsed(text: string, look: (key: string, value: unknown) => unknown): unknown {
  try {
    return JSON.parse(text, look)
  } catch {
    throw invalid('a secret with fields is JSON, which this is not') // JSON.parse's own message quotes its input
  }
}

function isTagText(text: unknown, most: number): boolean {
  if (typeof text !== 'string' || !text.isWellFormed() || /\p{C}/u.test(text)) return false
  const bytes = Buffer.byteLength(text)
  return bytes >= 1 && bytes <= most
}

function invalid(problem: string, remedy?: string): SecretsError {
  return new SecretsError('INVALID_ARGUMENT', problem, { remedy })
}
