import { type CallOptions } from './call-options.ts'
import type { ReadMode } from './flights.ts'
import type { VersionSelector } from './memory.ts'
import { quoted } from './names.ts'
import { assertFallbackPolicy, type FallbackPolicy } from './policy.ts'
import { SecretsError } from './secrets-error.ts'

/** What every read takes. */
export interface ReadOptions extends CallOptions {
  /** A key of the secret's JSON object, or a JSON pointer (RFC 6901) where it begins with `/`. */
  readonly field?: string | undefined
  /** What the cache holds will not do: the target refused it. Asks the store, and replaces a lease. */
  readonly fresh?: boolean | undefined
  /** The value is handed out and kept nowhere. */
  readonly autoCleanup?: boolean | undefined
  /** Overrides rows of the manager's policy for this call. */
  readonly fallback?: FallbackPolicy | undefined
}

export interface ReadOneOptions extends ReadOptions {
  /** A number of the store that has the secret, or `previous`: the one that was current before. */
  readonly version?: VersionSelector
}

/** Throws `INVALID_ARGUMENT` or `CONFIGURATION` for options that would otherwise be ignored or misread. */
export function assertReadOptions({ version, field, fallback }: ReadOneOptions): void {
  assertFallbackPolicy(fallback)
  if (version !== 'previous') assertVersion(version)
  assertField(field)
}

export function assertVersion(version: unknown): asserts version is number | undefined {
  if (version === undefined || (Number.isSafeInteger(version) && Number(version) > 0)) return
  throw new SecretsError('INVALID_ARGUMENT', `${typeof version === 'number' ? version : quoted(version)} is no version`, { remedy: 'versions are whole numbers from 1' })
}

export function assertField(field: unknown): asserts field is string | undefined {
  if (field === undefined || (typeof field === 'string' && field !== '')) return
  throw new SecretsError('INVALID_ARGUMENT', 'the field is empty or no text', { remedy: 'pass a key or a JSON pointer, or leave it out' })
}

export function modeOf({ fresh = false, autoCleanup }: ReadOptions, autoCleanupByDefault: boolean): ReadMode {
  if (autoCleanup ?? autoCleanupByDefault) return fresh ? 'fresh volatile' : 'volatile'
  return fresh ? 'fresh' : 'cached'
}
