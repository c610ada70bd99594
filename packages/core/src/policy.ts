import type { SecretsErrorCode } from './contract.ts'
import { type FallbackPolicy, fixed, type Verdict, verdicts } from './policy-rows.ts'

export { assertFallbackPolicy, type FallbackPolicy, type Verdict } from './policy-rows.ts'

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

/** A code that this version does not know stops. Later policies go before earlier ones. */
export function verdictOn(code: SecretsErrorCode, policies: readonly (FallbackPolicy | undefined)[]): Verdict {
  if (!isKnownCode(code)) return 'stop'
  if (fixed.has(code)) return verdicts[code]
  const overrides = policies.findLast(
    (policy) => policy !== undefined && Object.hasOwn(policy, code) && policy[code as keyof FallbackPolicy],
  )
  return overrides?.[code as keyof FallbackPolicy] ?? verdicts[code] // the keys that FallbackPolicy lacks are fixed
}
