import type { SecretsErrorCode } from '../contract/provider.ts'
import { described, isRecord } from '../options/known-options.ts'
import { quoted } from '../options/names.ts'
import { SecretsError } from '../errors/secrets-error.ts'

/** What a chain does after a provider failed: ask the next one, or end with this failure. */
export type Verdict = 'next' | 'stop'

/** The rows of the policy that may be overridden, for a manager or a call. */
export type FallbackPolicy = {
  readonly [code in Exclude<SecretsErrorCode, 'ABORTED' | 'NOT_FOUND' | 'AUDIT_FAILED'>]?: Verdict | undefined
}

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

export const fixed: ReadonlySet<string> = new Set(['ABORTED', 'NOT_FOUND', 'AUDIT_FAILED'])

/** Throws `CONFIGURATION` for a row that is not there or a verdict that is none. */
export function assertFallbackPolicy(policy: FallbackPolicy | undefined): void {
  if (policy !== undefined && !isRecord(policy)) throw wrongPolicy(`is ${described(policy)}`, "pass { UNAVAILABLE: 'stop' }")
  const rows = Object.keys(verdicts).filter((code) => !fixed.has(code))
  for (const [code, verdict] of Object.entries(policy ?? {})) {
    if (!rows.includes(code)) throw wrongPolicy(`has no row ${quoted(code)} that can be overridden`, `use ${rows.join(', ')}`)
    if (verdict === 'next' || verdict === 'stop' || verdict === undefined) continue
    throw wrongPolicy(`has ${described(verdict)} in the row ${code}`, "use 'next' or 'stop'")
  }
}

function wrongPolicy(problem: string, remedy: string): SecretsError {
  return new SecretsError('CONFIGURATION', `the fallback policy ${problem}`, { remedy })
}
