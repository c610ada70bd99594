import type { NewSecret } from '@finchat/secrets-core'
import { assertValue, checkedTags, invalidArgument, isJsonObject, type TagRules } from '@finchat/secrets-core/provider'
import type { JsonObject } from '../http/answer.ts'
import { limits } from '../shared/manifest.ts'

/** Vault keeps only named fields; a plain text is kept in this one. */
const textField = 'value'

const tagRules: TagRules = {
  most: limits.tags,
  isKey: (key) => isTagText(key, limits.tagKeyBytes),
  isValue: (value) => isTagText(value, limits.tagValueBytes),
  remedy: `use keys of 1 to ${limits.tagKeyBytes} bytes and values of 1 to ${limits.tagValueBytes}`,
}

/** Throws `INVALID_ARGUMENT` unless every tag can be held; `null` removes one. */
export function assertTags(tags: unknown): void {
  checkedTags(tags, tagRules)
}

/** The fields as JSON text. Throws `INVALID_ARGUMENT` if Vault could not return them exactly. */
export function fieldsOf({ value, shape }: Pick<NewSecret, 'value' | 'shape'>): string {
  assertText(value, shape === 'map' ? Infinity : limits.valueBytes)
  if (shape !== 'map') return JSON.stringify({ [textField]: value })
  const [only, ...others] = Object.values(exactFields(value))
  // A single text may have the same length under every name.
  assertText(typeof only === 'string' && others.length === 0 ? only : value, limits.valueBytes)
  return value
}

function assertText(value: unknown, maxBytes: number): asserts value is string {
  assertValue(value, { minBytes: 0, maxBytes, binary: false })
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
  if (!isJsonObject(fields)) throw invalidArgument('a secret with fields is a JSON object', 'write { "field": "value" }, or a plain text')
  if (!isExact)
    throw invalidArgument('a field holds a number or a text that Vault would not give back as it is', 'write the number as text')
  return fields
}

function parsed(text: string, look: (key: string, value: unknown) => unknown): unknown {
  try {
    return JSON.parse(text, look)
  } catch {
    throw invalidArgument('a secret with fields is JSON, which this is not') // JSON.parse's own message quotes its input
  }
}

function isTagText(text: string, most: number): boolean {
  if (/\p{C}/u.test(text)) return false
  const bytes = Buffer.byteLength(text)
  return bytes >= 1 && bytes <= most
}
