import { cutField, keysOf, setField, textAt } from './json-field.ts'

/** A store of named fields keeps an unnamed text in this field. */
const textField = 'value'

/**
 * Whether the map's only field is `value` and holds a JSON object. Its fields are then the
 * secret's, as in a store of texts. Throws `INVALID_ARGUMENT` if it is no JSON.
 */
export function isWrittenText(map: string): boolean {
  const text = loneText(map)
  return text !== undefined && isJsonObject(text)
}

/** Whether the map is one text, which its store keeps in the field `value`. */
export function isLoneText(map: string): boolean {
  return loneText(map) !== undefined
}

function loneText(map: string): string | undefined {
  const keys = keysOf(map)
  return keys.length === 1 && keys[0] === textField ? textAt(map, textField) : undefined
}

/** Looks inside the map's one JSON text, unless `value` itself is meant. */
export function fieldsInMap(map: string, fields: readonly string[]): readonly string[] {
  const [first] = fields
  const isOwn = first === undefined || first === textField || first === `/${textField}` || first.startsWith(`/${textField}/`)
  return isOwn || !isWrittenText(map) ? fields : [textField, ...fields]
}

export function cutFields(text: string, fields: readonly string[]): string {
  return fields.reduce(cutField, text)
}

/**
 * Sets the value under these nested fields, also inside a text that is JSON itself. No text counts
 * as `{}`. Throws `INVALID_ARGUMENT` as `setField` does.
 */
export function setFields(text: string | undefined, [field = '', inner, ...deeper]: readonly string[], value: string): string {
  if (inner === undefined) return setField(text, field, value)
  const nested = text === undefined ? undefined : textAt(text, field)
  if (text === undefined || nested === undefined) return setFields(text, [pointerTo(field) + pointerTo(inner), ...deeper], value)
  return setField(text, field, setFields(nested, [inner, ...deeper], value))
}

/** Escapes `~` and `/` (RFC 6901). */
function pointerTo(field: string): string {
  return field.startsWith('/') ? field : `/${field.replaceAll('~', '~0').replaceAll('/', '~1')}`
}

export function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  } catch {
    return false
  }
}
