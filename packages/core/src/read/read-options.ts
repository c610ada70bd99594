import { assertField, assertVersion, callMembers, type CallOptions, knownCallOptions } from '../options/call-options.ts'
import type { VersionSelector } from '../cache/keys/cache-key.ts'
import type { MemberKind, MembersOf } from '../options/known-options.ts'
import { assertFallbackPolicy, type FallbackPolicy } from '../chain/fallback-policy.ts'

/** Options of every read. */
export interface ReadOptions extends CallOptions {
  /** A key of the secret's JSON object, or a JSON pointer (RFC 6901) if it begins with `/`. */
  readonly field?: string | undefined
  /**
   * Asks the store instead of the cache, and replaces a lease: for a value that the target refused.
   */
  readonly fresh?: boolean | undefined
  /** Keep no value in the cache. */
  readonly autoCleanup?: boolean | undefined
  /** Overrides rows of the manager's fallback policy for this call. */
  readonly fallback?: FallbackPolicy | undefined
}

/** Options of a read of one secret. */
export interface ReadOneOptions extends ReadOptions {
  /**
   * A version number of the store. `previous`: the version before the current one. `pending`: the
   * staged version, which is asked of the store each time and never cached.
   */
  readonly version?: VersionSelector | 'pending'
}

export const readMembers: MembersOf<ReadOptions> = {
  ...callMembers,
  field: 'any',
  fresh: 'boolean',
  autoCleanup: 'boolean',
  fallback: 'any',
}
export const readOneMembers: MembersOf<ReadOneOptions> = { ...readMembers, version: 'any' }

/** Throws `INVALID_ARGUMENT` or `CONFIGURATION` for options that would be ignored or misread. */
export function knownReadOptions<Options extends ReadOneOptions>(options: Options, members: Readonly<Record<string, MemberKind>>): Options {
  const known = knownCallOptions(options, members)
  const { version, field, fallback } = known
  assertFallbackPolicy(fallback)
  if (version !== 'previous' && version !== 'pending') assertVersion(version)
  assertField(field)
  return known
}
