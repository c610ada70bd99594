import type { SecretsErrorCode } from './contract.ts'
import { SecretsError } from './secrets-error.ts'

/** What a chain does after a provider failed: ask the next one, or end with this failure. */
export type Verdict = 'next' | 'stop'

/** The rows of the policy that may be overridden, for a manager or a call. */
export type FallbackPolicy = {
  readonly [code in Exclude<SecretsErrorCode, 'ABORTED' | 'NOT_FOUND' | 'AUDIT_FAILED'>]?: Verdict | undefined
}

/** `next` where nothing was learnt of the secret; every other code is an answer that a weaker store must not overrule. */
const verdicts: { readonly [code in SecretsErrorCode]: Verdict } = {
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

const fixed: ReadonlySet<string> = new Set(['ABORTED', 'NOT_FOUND', 'AUDIT_FAILED'])

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

/** Throws `CONFIGURATION` for a row that is not there or a verdict that is none. */
export function assertFallbackPolicy(policy: FallbackPolicy | undefined): void {
  for (const [code, verdict] of Object.entries(policy ?? {})) {
    if (isKnownCode(code) && !fixed.has(code) && (verdict === 'next' || verdict === 'stop' || verdict === undefined)) continue
    throw new SecretsError('CONFIGURATION', 'the fallback policy has a row that cannot be overridden', {
      remedy: "map error codes other than ABORTED, NOT_FOUND and AUDIT_FAILED to 'next' or 'stop'",
    })
  }
}
