import type { SecretsErrorCode } from '../contract/provider.ts'
import { verdictOn } from '../chain/fallback-policy.ts'

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
  return verdictOn(code, []) === 'stop' && code !== 'NOT_FOUND' && code !== 'ABORTED' && code !== 'AUDIT_FAILED'
}
