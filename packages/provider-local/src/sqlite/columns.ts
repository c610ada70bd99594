import { SecretsError } from '@finchat/secrets-core'

/** One row as SQLite gives it. Nothing of it is trusted: whoever can write the file can write any type and any number. */
export type Row = Readonly<Record<string, unknown>>

/** The column, or NULL if it is longer than it may be: a damaged row can claim more bytes than there is memory. */
export function bounded(column: string, mostBytes: number): string {
  return `${boundedOnly(column, mostBytes)} AS ${column}`
}

/** As `bounded`, for use within an expression. `octet_length` reads the length alone. */
export function boundedOnly(column: string, mostBytes: number): string {
  return `CASE WHEN octet_length(${column}) <= ${mostBytes} THEN ${column} END`
}

/** The rows by their key. A damaged tree may show the same rows without end: the first key that comes again ends it. */
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
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most) return value
  throw altered()
}

/** Bytes in memory of their own; of exactly `length` if that is given. */
export function bytes(value: unknown, length?: number): Buffer {
  const blob = plainBytes(value, length)
  return Buffer.from(blob.buffer, blob.byteOffset, blob.length)
}

/** As `bytes`, for those that are many. */
export function plainBytes(value: unknown, length?: number): Uint8Array {
  if (value instanceof Uint8Array && (length === undefined || value.length === length)) return value
  throw altered()
}

export function text(value: unknown): string {
  if (typeof value === 'string') return value
  throw altered()
}

/** A row that every store has. */
export function present(row: Row | undefined): Row {
  if (row) return row
  throw altered()
}

/** What is in the file is not what was written there. */
export function altered(): SecretsError {
  return new SecretsError('INTEGRITY', 'the store was altered or damaged', {
    remedy: 'restore a backup, and find out who could write the file',
  })
}
