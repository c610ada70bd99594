import type { SecretsErrorCode } from '../contract/error-codes.ts'

/** What a chain does after a provider failed: ask the next one, or end with this failure. */
export type Verdict = 'next' | 'stop'

/** `next` where nothing was learnt of the secret; every other code is an answer that a weaker store must not overrule. */
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

/** The codes that tell of the store's state, not of the secret: what it last answered may still be served. */
export function isOutage(code: SecretsErrorCode): boolean {
  return code === 'UNAVAILABLE' || code === 'DEADLINE_EXCEEDED' || code === 'RATE_LIMITED'
}

/**
 * The codes after which nothing that is held of it may be served again: it was withdrawn, is denied to us, or was altered
 * (`INTEGRITY`: what was read from a store that somebody tampered with may be theirs too).
 */
export function isWithdrawal(code: SecretsErrorCode): boolean {
  return code === 'PERMISSION_DENIED' || code === 'UNAUTHENTICATED' || code === 'DELETED' || code === 'INTEGRITY'
}

/** The codes with which a store could not be asked: nothing was learnt of the secret. */
export function isUnasked(code: SecretsErrorCode): boolean {
  return isOutage(code) || code === 'CREDENTIALS_MISSING'
}

/** The codes that are a store's answer about the secret, which a weaker store must not overrule. */
export function isRefusal(code: SecretsErrorCode): boolean {
  return verdicts[code] === 'stop' && code !== 'NOT_FOUND' && code !== 'ABORTED' && code !== 'AUDIT_FAILED'
}
