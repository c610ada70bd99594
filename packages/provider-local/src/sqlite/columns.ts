import { SecretsError } from '@finchat/secrets-core'
import { isWholeNumber } from '@finchat/secrets-core/provider'

/** Untrusted: another program may have written any type and any number. */
export type Row = Readonly<Record<string, unknown>>

/** NULL if the column is too long: a damaged row can claim more bytes than there is memory. */
export function bounded(column: string, maxBytes: number): string {
  return `${boundedOnly(column, maxBytes)} AS ${column}`
}

/** The expression of `bounded`. `octet_length` reads only the length. */
export function boundedOnly(column: string, maxBytes: number): string {
  return `CASE WHEN octet_length(${column}) <= ${maxBytes} THEN ${column} END`
}

/** A damaged tree may return the same rows without end, so a repeated key throws. */
export function unique<Key, Value>(rows: Iterable<Row>, key: (row: Row) => Key, value: (row: Row) => Value): Map<Key, Value> {
  const found = new Map<Key, Value>()
  addUnique(found, rows, key, value)
  return found
}

export function addUnique<Key, Value>(
  found: Map<Key, Value>,
  rows: Iterable<Row>,
  key: (row: Row) => Key,
  value: (row: Row) => Value,
): void {
  for (const row of rows) {
    const rowKey = key(row)
    if (found.has(rowKey)) throw altered()
    found.set(rowKey, value(row))
  }
}

export function integer(value: unknown, least: number, most: number): number {
  if (isWholeNumber(value, least, most)) return value
  throw altered()
}

/** A copy of the bytes, of exactly `length` if given. */
export function bytes(value: unknown, length?: number): Buffer {
  const blob = plainBytes(value, length)
  return Buffer.from(blob.buffer, blob.byteOffset, blob.length)
}

/** The bytes without a copy. */
export function plainBytes(value: unknown, length?: number): Uint8Array {
  if (value instanceof Uint8Array && (length === undefined || value.length === length)) return value
  throw altered()
}

export function text(value: unknown): string {
  if (typeof value === 'string') return value
  throw altered()
}

export function present(row: Row | undefined): Row {
  if (row) return row
  throw altered()
}

export function altered(): SecretsError {
  return new SecretsError('INTEGRITY', 'the store was altered or damaged', {
    remedy: 'restore a backup, and find out who could write the file',
  })
}
