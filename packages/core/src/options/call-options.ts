import { described, quoted } from '../errors/format.ts'
import { knownOptions, type MemberKind, type MembersOf } from './known-options.ts'
import { SecretsError } from '../errors/secrets-error.ts'

/** Options of every call. */
export interface CallOptions {
  /** Ends the call with `ABORTED`; a request shared with other callers goes on. */
  readonly signal?: AbortSignal | undefined
  /** Who asks, for the audit trail. */
  readonly actor?: string | undefined
  /** The request that caused the call, for the audit trail. */
  readonly requestId?: string | undefined
}

export const callMembers: MembersOf<CallOptions> = { signal: 'any', actor: 'string', requestId: 'string' }

/**
 * Returns a copy. Throws `INVALID_ARGUMENT` for a non-object, an unknown member or a wrong signal.
 */
export function knownCallOptions<Options extends CallOptions>(options: Options, members: Readonly<Record<string, MemberKind>>): Options {
  const known = knownOptions(options, members, 'INVALID_ARGUMENT')
  const { signal } = known
  if (signal === undefined || signal instanceof AbortSignal) return known
  throw new SecretsError('INVALID_ARGUMENT', 'signal is not an AbortSignal', {
    remedy: 'pass AbortSignal.timeout(ms) or the signal of an AbortController',
  })
}

export function assertVersion(version: unknown): asserts version is number | undefined {
  if (version === undefined || (Number.isSafeInteger(version) && Number(version) > 0)) return
  throw new SecretsError('INVALID_ARGUMENT', `the version is ${shown(version)}`, {
    remedy: "pass a whole number from 1, or where a version is read 'previous' or 'pending'",
  })
}

export function assertField(field: unknown): asserts field is string | undefined {
  if (field === undefined || (typeof field === 'string' && field !== '')) return
  throw new SecretsError('INVALID_ARGUMENT', `the field is ${field === '' ? 'empty' : described(field)}`, {
    remedy: 'pass a key or a JSON pointer, or leave it out',
  })
}

function shown(version: unknown): string {
  if (typeof version === 'number') return String(version)
  return typeof version === 'string' ? quoted(version) : described(version)
}
