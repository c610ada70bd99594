import { bounded, freezeDetector } from './deadline.ts'
import type { CallContext, SecretProvider } from '../contract/provider.ts'
import type { SecretsErrorCode } from '../contract/error-codes.ts'
import { isKnownCode, isRefusal, isUnasked } from '../errors/error-classes.ts'
import { SecretsError, withContext, withDetails } from '../errors/secrets-error.ts'
import { type CircuitBreaker, heldBackBy } from './circuit-breaker.ts'
import type { OutageWarning } from './outage-warning.ts'
import { checkedAnswer, fulfilled, rejected, type Settled, settledMany } from './check-answer.ts'
import { asSecretsError, trustedError } from './trusted-error.ts'
import { type ProviderCall, wrapProvider } from './wrap-provider.ts'

export interface GuardOptions {
  readonly deadlineMs: number
  readonly circuit: CircuitBreaker
  readonly outage: OutageWarning
  readonly closing: AbortSignal
  /**
   * The caller gave up a change of this path; the store may still make it until `landing` settles.
   */
  readonly gaveUp?: (path: string, landing: Promise<unknown>) => void
}

/** Only reads open the circuit and are refused by it. */
const reads = new Set(['get', 'getVersion', 'getMany', 'describe', 'probe', 'staging.get'])
/** These change nothing, so they can be repeated after a freeze. */
const repeatable = new Set([...reads, 'checkHealth'])
/** After a deadline or a lost connection their effect is unknown. */
const effects = new Set(['put', 'tag', 'delete', 'restore', 'staging.put', 'staging.promote', 'staging.discard'])

/**
 * Makes every call of a provider end by its deadline, and reject only with a `SecretsError` that
 * names it.
 */
export function guard(provider: SecretProvider, options: GuardOptions): SecretProvider {
  const guarded = wrapProvider(provider, (call, next) =>
    call.method === 'close' ? next(call.context) : answered(call, next, provider.name, options),
  )
  // A polluted Object.prototype must not add members.
  return Object.setPrototypeOf(guarded, null)
}

type Next = (context: CallContext) => Promise<unknown>

async function answered(call: ProviderCall, next: Next, provider: string, options: GuardOptions): Promise<unknown> {
  const { method, context } = call
  const refusal = reads.has(method) ? options.circuit.refusal(Date.now()) : undefined
  if (refusal !== undefined) throw heldBackBy(refusal, provider)
  let sent: Promise<unknown> | undefined
  let hasLanded = false
  const send = (signal: AbortSignal): Promise<unknown> => {
    const fresh = Object.hasOwn(context, 'fresh') ? context.fresh : undefined
    sent = next({ ...context, fresh, signal })
      .catch((error: unknown) => Promise.reject(trustedError(error, method)))
      .finally(() => (hasLanded = true))
    return sent
  }
  const { deadlineMs, closing } = options
  const ask = (): Promise<unknown> => bounded(send, { deadlineMs, closing, signal: context.signal })
  try {
    const answer = repeatable.has(method) ? await repeated(call, ask, options) : await ask()
    return checkedAnswer(call, answer, provider)
  } catch (error) {
    const failure = asSecretsError(error)
    if (sent === undefined || !effects.has(method)) throw withContext(failure, { provider })
    if (!hasLanded) options.gaveUp?.(String(call.args[0]), sent.catch(rejectedWithEffect))
    throw withContext(withEffect(failure), { provider })
  }
}

async function repeated(call: ProviderCall, ask: () => Promise<unknown>, { deadlineMs, circuit, outage }: GuardOptions): Promise<unknown> {
  const isRead = reads.has(call.method)
  const begunAt = Date.now()
  const spannedGap = freezeDetector(deadlineMs)
  const reported = (result: Settled): Settled => {
    if (isRead) report(call, result, { circuit, outage, begunAt })
    return result
  }
  // An answer that spans a freeze may be old: ask again. A refusal stands if that fails.
  const settled = (): Promise<Settled> =>
    ask().then((answer) => fulfilled(isBatch(call) ? settledMany(answer, call.args[0]) : answer), rejected)
  const result = await settled()
  const last = spannedGap() ? laterOf(call, result, reported(await settled())) : reported(result)
  if (last.status === 'rejected') throw last.reason
  return last.value
}

function isBatch({ method }: ProviderCall): boolean {
  return method === 'getMany'
}

/** A batch is refused as a whole or path by path, and so may the repeated one be unanswered. */
function laterOf(call: ProviderCall, before: Settled, again: Settled): Settled {
  const [earlier, later] = isBatch(call) ? [answersOf(before), answersOf(again)] : []
  if (later !== undefined) return fulfilled(later.map((each, index) => keptRefusal(earlier === undefined ? before : earlier[index], each)))
  if (earlier !== undefined && isUnanswered(again)) return fulfilled(earlier.map((each) => keptRefusal(each, again)))
  return keptRefusal(before, again)
}

function answersOf(result: Settled): readonly Settled[] | undefined {
  return result.status === 'fulfilled' && Array.isArray(result.value) ? result.value : undefined
}

function keptRefusal(before: Settled | undefined, again: Settled): Settled {
  return before !== undefined && isRefused(before) && isUnanswered(again) ? before : again
}

function isUnanswered(result: Settled): boolean {
  if (result.status !== 'rejected' || !SecretsError.isInstance(result.reason)) return false
  return isUnasked(result.reason.code) || result.reason.code === 'ABORTED'
}

function isRefused(result: Settled): boolean {
  return result.status === 'rejected' && SecretsError.isInstance(result.reason) && isRefusal(result.reason.code)
}

interface Report {
  readonly circuit: CircuitBreaker
  readonly outage: OutageWarning
  readonly begunAt: number
}

function report(call: ProviderCall, result: Settled, { circuit, outage, begunAt }: Report): void {
  const [asked] = call.args
  const results = (isBatch(call) ? answersOf(result) : undefined) ?? [result]
  const errors = results.map((each) => (each.status === 'rejected' ? asSecretsError(each.reason) : undefined))
  const codes = errors.map((error) => error?.code)
  if (codes.some((code) => code === undefined)) outage.answered()
  if (codes.some((code) => !isNeutral(code) && !isUnreachable(code))) return circuit.succeeded()
  if (codes.every(isNeutral)) return circuit.withdrawn()
  const paths = Array.isArray(asked) ? asked.map(String) : [String(asked)]
  const unreachable = errors.findLast((error) => isUnreachable(error?.code))
  if (unreachable !== undefined) circuit.failed(paths, Date.now(), unreachable, begunAt)
}

function isNeutral(code: SecretsErrorCode | undefined): boolean {
  return code === 'ABORTED' || code === 'UNSUPPORTED'
}

function isUnreachable(code: SecretsErrorCode | undefined): boolean {
  return code === 'UNAVAILABLE' || code === 'DEADLINE_EXCEEDED' || code === 'CREDENTIALS_MISSING'
}

/** Rejects with the error that a caller who waits would get. */
function rejectedWithEffect(error: unknown): Promise<never> {
  return Promise.reject(withEffect(asSecretsError(error)))
}

function withEffect(error: SecretsError): SecretsError {
  if (error.effect !== undefined) return error
  const isOpen = error.code === 'DEADLINE_EXCEEDED' || error.code === 'ABORTED' || error.code === 'INTERNAL' || !isKnownCode(error.code)
  return isOpen ? withDetails(error, { effect: 'unknown' }) : error
}
