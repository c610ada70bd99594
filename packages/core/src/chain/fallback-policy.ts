import type { SecretsErrorCode } from '../contract/provider.ts'
import { type FallbackPolicy, fixed, type Verdict, verdicts } from './policy-rows.ts'

export { assertFallbackPolicy, type FallbackPolicy, type Verdict } from './policy-rows.ts'

export function isKnownCode(code: string): code is SecretsErrorCode {
  return Object.hasOwn(verdicts, code)
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
