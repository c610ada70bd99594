import { described } from '../errors/format.ts'
import { untilAborted } from '../guard/deadline.ts'
import { knownCallOptions } from '../options/call-options.ts'
import { invalidArgument } from '../options/check-option.ts'
import type { MembersOf } from '../options/known-options.ts'
import { type ManagerParts, partsOf } from './parts.ts'
import { type Readiness, ReadinessCheck } from './readiness.ts'
import type { SecretsManager } from './secrets-manager.ts'

/** Options of `canServe`. */
export interface CanServeOptions {
  /** How long the check may take, in milliseconds; keep it below the probe's own limit. Default: 800. */
  readonly timeoutMs?: number | undefined
  /** Ends the check with `ABORTED`; its reads go on for the next one. */
  readonly signal?: AbortSignal | undefined
}

const members: MembersOf<CanServeOptions> = { timeoutMs: 'number', signal: 'any' }
const defaultMs = 800
const longestMs = 60_000

const checks = new WeakMap<ManagerParts, ReadinessCheck>()

/**
 * Whether this process can answer each of these secrets now, for a readiness probe. A stale or
 * degraded answer counts, since the application gets it too. `servesUntil` is how long memory alone
 * suffices. Pass the names without which a request fails.
 *
 * It looks into memory, which counts as no use. What memory does not decide is read, at most every
 * 5 s for each secret; between that the last outcome stands, never past `servesUntil`. Rejects only
 * with `INVALID_ARGUMENT`, or `ABORTED` by the signal: all else is in the report.
 *
 * @example
 * import { createSecretsManager, envProvider } from '@finchat/secrets-core'
 * import { canServe } from '@finchat/secrets-core/live'
 *
 * const secrets = createSecretsManager({ providers: [envProvider({ env: { FINCHAT_TOKEN: 'hunter2' } })] })
 * const { ok, stale, degraded, failed } = await canServe(secrets, ['FINCHAT_TOKEN', 'missing'])
 * console.log(ok, stale, degraded, failed) // false 0 0 1
 */
export async function canServe(secrets: SecretsManager, names: readonly string[], options: CanServeOptions = {}): Promise<Readiness> {
  const parts = partsOf(secrets)
  const { timeoutMs = defaultMs, signal } = knownCallOptions(options, members)
  if (!(timeoutMs >= 1 && timeoutMs <= longestMs)) throw invalidArgument(`timeoutMs is ${timeoutMs}`, `pass 1 to ${longestMs}`)
  assertNames(names)
  const routes = [...new Set(names)].map((name) => parts.locate(name))
  const check = checks.get(parts) ?? new ReadinessCheck(parts)
  checks.set(parts, check)
  return untilAborted(check.check(routes, timeoutMs), signal)
}

/** A probe of nothing would always say yes. */
function assertNames(names: unknown): void {
  if (Array.isArray(names) && names.length > 0) return
  const problem = Array.isArray(names) ? 'the list of names is empty' : `the list of names is ${described(names)}`
  throw invalidArgument(problem, "pass the names without which a request fails, such as ['FINCHAT_TOKEN']")
}
