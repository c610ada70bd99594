import type { Reading } from '../chain/chain.ts'
import type { Location } from '../chain/routing.ts'
import type { SecretBytes } from '../value/secret-bytes.ts'
import type { SecretValue } from '../value/secret-value.ts'
import { wholeJson } from '../value/whole-json.ts'

/** Extracts the location's field first, then the requested one inside it. */
export function partOf({ held, location }: Reading, field: string | undefined): SecretBytes {
  return held.part(fieldsOf(location, field))
}

export function fieldsOf({ fields, isJson = false }: Location, field: string | undefined): readonly string[] {
  if (field !== undefined) return [...fields, field]
  return isJson ? wholeJson : fields
}

export function textOf({ held, location }: Reading, field?: string): string {
  return held.textAt(fieldsOf(location, field))
}

/** Without a field a map is delivered whole, for its `json()`. */
export function valueOf(reading: Reading, field?: string): SecretValue {
  const { held, location, stale, degraded } = reading
  const isWhole = fieldsOf(location, field).length === 0
  return (isWhole ? held : partOf(reading, field)).value(stale, degraded)
}
