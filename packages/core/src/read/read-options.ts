import { knownCallOptions, callMembers, type CallOptions } from '../options/call-options.ts'
import type { ReadMode } from '../cache/single-flight.ts'
import { described, type MemberKind, type MembersOf } from '../options/known-options.ts'
import type { VersionSelector } from '../cache/entries.ts'
import { quoted } from '../options/names.ts'
import { assertFallbackPolicy, type FallbackPolicy } from '../chain/fallback-policy.ts'
import { SecretsError } from '../errors/secrets-error.ts'

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

export const readMembers: MembersOf<ReadOptions> = {
  ...callMembers,
  field: 'any',
  fresh: 'boolean',
  autoCleanup: 'boolean',
  fallback: 'any',
}
export const readOneMembers: MembersOf<ReadOneOptions> = { ...readMembers, version: 'any' }

/** A copy of the options. Throws `INVALID_ARGUMENT` or `CONFIGURATION` for what would otherwise be ignored or misread. */
export function knownReadOptions<Options extends ReadOneOptions>(options: Options, members: Readonly<Record<string, MemberKind>>): Options {
  const known = knownCallOptions(options, members)
  const { version, field, fallback } = known
  assertFallbackPolicy(fallback)
  if (version !== 'previous') assertVersion(version)
  assertField(field)
  return known
}

export function assertVersion(version: unknown): asserts version is number | undefined {
  if (version === undefined || (Number.isSafeInteger(version) && Number(version) > 0)) return
  throw new SecretsError('INVALID_ARGUMENT', `the version is ${shown(version)}`, {
    remedy: "pass a whole number from 1, or where a version is read 'previous'",
  })
}

export function assertField(field: unknown): asserts field is string | undefined {
  if (field === undefined || (typeof field === 'string' && field !== '')) return
  throw new SecretsError('INVALID_ARGUMENT', `the field is ${field === '' ? 'empty' : described(field)}`, {
    remedy: 'pass a key or a JSON pointer, or leave it out',
  })
}

export function modeOf({ fresh = false, autoCleanup }: ReadOptions, autoCleanupByDefault: boolean): ReadMode {
  if (autoCleanup ?? autoCleanupByDefault) return fresh ? 'fresh volatile' : 'volatile'
  return fresh ? 'fresh' : 'cached'
}

function shown(version: unknown): string {
  if (typeof version === 'number') return String(version)
  return typeof version === 'string' ? quoted(version) : described(version)
}
