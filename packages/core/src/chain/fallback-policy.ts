import type { SecretsErrorCode } from '../contract/error-codes.ts'
import { described, quoted } from '../errors/format.ts'
import { isRecord } from '../errors/own-properties.ts'
import { isKnownCode, type FallbackAction, defaultActions } from '../errors/error-classes.ts'
import { SecretsError } from '../errors/secrets-error.ts'

/** The rows that a manager or a call may override. */
export type FallbackPolicy = {
  readonly [code in Exclude<SecretsErrorCode, 'ABORTED' | 'NOT_FOUND' | 'AUDIT_FAILED'>]?: FallbackAction | undefined
}

const fixed: ReadonlySet<string> = new Set(['ABORTED', 'NOT_FOUND', 'AUDIT_FAILED'])

/** Returns a copy, which the caller cannot change during a call. */
export function knownFallbackPolicy(policy: FallbackPolicy | undefined): FallbackPolicy | undefined {
  if (policy === undefined) return undefined
  if (!isRecord(policy)) throw wrongPolicy(`is ${described(policy)}`, "pass { UNAVAILABLE: 'stop' }")
  const rows = Object.keys(defaultActions).filter((code) => !fixed.has(code))
  const known = { ...policy }
  for (const [code, action] of Object.entries(known)) {
    if (!rows.includes(code)) throw wrongPolicy(`has no row ${quoted(code)} that can be overridden`, `use ${rows.join(', ')}`)
    if (action === 'next' || action === 'stop' || action === undefined) continue
    throw wrongPolicy(`has ${described(action)} in the row ${code}`, "use 'next' or 'stop'")
  }
  return known
}

function wrongPolicy(problem: string, remedy: string): SecretsError {
  return new SecretsError('CONFIGURATION', `the fallback policy ${problem}`, { remedy })
}

/** Unknown codes stop the chain. Later policies override earlier ones. */
export function actionFor(code: SecretsErrorCode, policies: readonly (FallbackPolicy | undefined)[]): FallbackAction {
  if (!isKnownCode(code)) return 'stop'
  if (fixed.has(code)) return defaultActions[code]
  const overrides = policies.findLast(
    (policy) => policy !== undefined && Object.hasOwn(policy, code) && policy[code as keyof FallbackPolicy],
  )
  return overrides?.[code as keyof FallbackPolicy] ?? defaultActions[code] // the keys that FallbackPolicy lacks are fixed
}

/** What the set-up of a manager adds to remedies, such as variables that it was made of. */
export interface RemedyHints {
  readonly missing: (name: string) => string | undefined
  readonly denied: (provider: string) => string | undefined
  /** A provider's own remedy, with variables in the place of its options. */
  readonly own: (provider: string, remedy: string | undefined) => string | undefined
}

/** What to do about an error that stops the chain. */
export function stopRemedy({ code, remedy }: SecretsError, provider: string, hints: RemedyHints | undefined): string | undefined {
  const usual = remedy ?? stopRemedies.get(code)?.(provider)
  const hint = code === 'PERMISSION_DENIED' ? hints?.denied(provider) : undefined
  return hint === undefined ? usual : `${usual}: ${hint}`
}

const stopRemedies: ReadonlyMap<SecretsErrorCode, (provider: string) => string> = new Map([
  ['PERMISSION_DENIED', (provider: string) => `grant it, or route the name away from '${provider}' with names and onlyNamed`],
  ['UNAUTHENTICATED', (provider: string) => `renew the credential of '${provider}'`],
  ['DELETED', (provider: string) => `restore it in '${provider}', or purge it there to let later providers answer`],
])
