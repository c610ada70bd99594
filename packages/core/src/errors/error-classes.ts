import type { SecretsErrorCode } from '../contract/error-codes.ts'

/** What a chain does after a provider failed: ask the next one, or end with this failure. */
export type Verdict = 'next' | 'stop'

/**
 * `next` where the store said nothing about the secret; a later provider must not overrule any
 * other answer.
 */
export const verdicts: { readonly [code in SecretsErrorCode]: Verdict } = {
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
  return Object.hasOwn(verdicts, code)
}

/** Codes about the store's state, not about the secret: its last answer may still be served. */
export function isOutage(code: SecretsErrorCode): boolean {
  return code === 'UNAVAILABLE' || code === 'DEADLINE_EXCEEDED' || code === 'RATE_LIMITED'
}

/**
 * Codes after which no held value may be served: it was withdrawn, is denied, or the store was
 * altered (`INTEGRITY`).
 */
export function isWithdrawal(code: SecretsErrorCode): boolean {
  return code === 'PERMISSION_DENIED' || code === 'UNAUTHENTICATED' || code === 'DELETED' || code === 'INTEGRITY'
}

/** Codes of a store that could not be asked: they say nothing about the secret. */
export function isUnasked(code: SecretsErrorCode): boolean {
  return isOutage(code) || code === 'CREDENTIALS_MISSING'
}

/** Codes that are a store's answer about the secret: a later provider must not overrule them. */
export function isRefusal(code: SecretsErrorCode): boolean {
  return verdicts[code] === 'stop' && code !== 'NOT_FOUND' && code !== 'ABORTED' && code !== 'AUDIT_FAILED'
}
