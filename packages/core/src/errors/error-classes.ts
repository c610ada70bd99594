import type { SecretsErrorCode } from '../contract/error-codes.ts'

/** After a failed provider, the chain asks the next one or stops. */
export type FallbackAction = 'next' | 'stop'

/**
 * `next` where the store gave no answer about the secret; a later provider must not overrule an
 * answer.
 */
export const defaultActions: { readonly [code in SecretsErrorCode]: FallbackAction } = {
  UNAVAILABLE: 'next',
  DEADLINE_EXCEEDED: 'next',
  RATE_LIMITED: 'next',
  CREDENTIALS_MISSING: 'next',
  UNSUPPORTED: 'next',
  DELETED: 'stop',
  UNAUTHENTICATED: 'stop',
  PERMISSION_DENIED: 'stop',
  INVALID_ARGUMENT: 'stop',
  VERSION_CONFLICT: 'stop',
  INTEGRITY: 'stop',
  CONFIGURATION: 'stop',
  INTERNAL: 'stop',
  NOT_FOUND: 'stop',
  ABORTED: 'stop',
  AUDIT_FAILED: 'stop',
}

export function isKnownCode(code: string): code is SecretsErrorCode {
  return Object.hasOwn(defaultActions, code)
}

/** The store is unavailable: its last answer may still be served. */
export const outages: readonly SecretsErrorCode[] = ['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'RATE_LIMITED']

export function isOutage(code: SecretsErrorCode): boolean {
  return outages.includes(code)
}

/** No held value may be served: the secret was withdrawn or denied, or the store was altered. */
export function isWithdrawal(code: SecretsErrorCode): boolean {
  return code === 'PERMISSION_DENIED' || code === 'UNAUTHENTICATED' || code === 'DELETED' || code === 'INTEGRITY'
}

export function isDenial(code: SecretsErrorCode | undefined): boolean {
  return code === 'PERMISSION_DENIED' || code === 'UNAUTHENTICATED'
}

/** The store could not be asked, so nothing is known of the secret. */
export function isUnasked(code: SecretsErrorCode): boolean {
  return isOutage(code) || code === 'CREDENTIALS_MISSING'
}

/**
 * The store's answer about the secret, which a later provider must not overrule. `guard` lets no
 * read reject with `NOT_FOUND`.
 */
export function isRefusal(code: SecretsErrorCode): boolean {
  return defaultActions[code] === 'stop' && code !== 'ABORTED' && code !== 'AUDIT_FAILED'
}
