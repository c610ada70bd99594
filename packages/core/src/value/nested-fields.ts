import { cutField, keysOf, setField, textAt } from './json-field.ts'

/** The field in which a store of named fields keeps an unnamed text. */
const textField = 'value'

/**
 * Whether a map is a JSON object that was written as one text: it is kept in the field `value` and
 * nothing is beside it. Stores that keep texts hold it as it is, so its fields are its own, as
 * there, and not the map's. Throws `INVALID_ARGUMENT` for what is no JSON.
 */
export function isWrittenText(map: string): boolean {
  const keys = keysOf(map)
  const text = keys.length === 1 && keys[0] === textField ? textAt(map, textField) : undefined
  return text !== undefined && isObject(text)
}

/**
 * Where to look for these fields in a map: inside its one JSON text, unless `value` itself is
 * meant.
 */
export function placeInMap(map: string, fields: readonly string[]): readonly string[] {
  const [first] = fields
  const isOwn = first === undefined || first === textField || first === `/${textField}` || first.startsWith(`/${textField}/`)
  return isOwn || !isWrittenText(map) ? fields : [textField, ...fields]
}

/** The value under these nested fields, as `cutField` gives it. */
export function cutFields(text: string, fields: readonly string[]): string {
  return fields.reduce(cutField, text)
}

/**
 * The same text with what stands under these fields, one inside the other, set to a string, and all
 * else as written; also inside a text that is JSON itself. No text begins as `{}`. Throws
 * `INVALID_ARGUMENT` as `setField` does.
 */
export function setFields(text: string | undefined, [field = '', inner, ...deeper]: readonly string[], value: string): string {
  if (inner === undefined) return setField(text, field, value)
  const nested = text === undefined ? undefined : textAt(text, field)
  if (text === undefined || nested === undefined) return setFields(text, [pointerTo(field) + pointerTo(inner), ...deeper], value)
  return setField(text, field, setFields(nested, [inner, ...deeper], value))
}

/** A field as a JSON pointer; in a key `~` and `/` are escaped (RFC 6901). */
function pointerTo(field: string): string {
  return field.startsWith('/') ? field : `/${field.replaceAll('~', '~0').replaceAll('/', '~1')}`
}

function isObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  } catch {
    return false
  }
}
