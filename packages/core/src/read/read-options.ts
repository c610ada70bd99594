import { assertField, assertVersion, callMembers, type CallOptions, knownCallOptions } from '../options/call-options.ts'
import type { VersionSelector } from '../cache/keys/cache-key.ts'
import type { MemberKind, MembersOf } from '../options/known-options.ts'
import { assertFallbackPolicy, type FallbackPolicy } from '../chain/fallback-policy.ts'

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
