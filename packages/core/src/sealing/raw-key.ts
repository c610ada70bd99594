import type { KeyObject } from 'node:crypto'

/** A key as bytes, which whoever holds them can overwrite, or as Node.js's object. */
export type SealingKey = Uint8Array | KeyObject

/**
 * Runs what gives raw bytes to Node.js as a key. Node.js 24 throws and catches two errors to tell
 * them from a `KeyObject`, and their stack traces cost three times as much as the call. It fails
 * where nothing may be set, such as with frozen intrinsics, and then it is merely slow.
 */
export function withRawKey<T>(use: () => T): T {
  const limit = Error.stackTraceLimit
  Reflect.set(Error, 'stackTraceLimit', 0)
  try {
    return use()
  } finally {
    Reflect.set(Error, 'stackTraceLimit', limit)
  }
}
