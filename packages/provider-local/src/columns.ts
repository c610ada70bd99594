import { SecretsError } from '@finchat/secrets-core'

/** One row as SQLite gives it. Nothing of it is trusted: whoever can write the file can write any type and any number. */
export type Row = Readonly<Record<string, unknown>>

export function integer(value: unknown, least: number, most: number): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most) return value
  throw altered()
}

/** Bytes in memory of their own; of exactly `length` if that is given. */
export function bytes(value: unknown, length?: number): Buffer {
  if (value instanceof Uint8Array && (length === undefined || value.length === length)) {
    return Buffer.from(value.buffer, value.byteOffset, value.length)
  }
  throw altered()
}

export function text(value: unknown): string {
  if (typeof value === 'string') return value
  throw altered()
}

/** `null` as `undefined`, everything else as `read` reads it. */
export function optional<T>(value: unknown, read: (value: unknown) => T): T | undefined {
  return value === null ? undefined : read(value)
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
