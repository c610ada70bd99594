import { bounded, freezeDetector } from './deadline.ts'
import type { CallContext, SecretProvider, StoredSecret } from '../contract/provider.ts'
import type { SecretsErrorCode } from '../contract/error-codes.ts'
import { isKnownCode, isRefusal, isUnasked } from '../errors/error-classes.ts'
import { onOneLine, withContext, SecretsError } from '../errors/secrets-error.ts'
import { type CircuitBreaker, heldBackBy } from './circuit-breaker.ts'
import type { OutageWarning } from './outage-warning.ts'
import { deletionOf, descriptionOf, receiptOf, stagedReceiptOf, stagedSecretOf, storedSecretOf } from '../value/check-stored-secret.ts'
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
      .catch((error: unknown) => Promise.reject(trusted(error, method)))
      .finally(() => (hasLanded = true))
    return sent
  }
  const { deadlineMs, closing } = options
  const ask = (): Promise<unknown> => bounded(send, { deadlineMs, closing, signal: context.signal })
  try {
    const answer = repeatable.has(method) ? await repeated(call, ask, options) : await ask()
    return checked(call, answer, provider)
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

function fulfilled(value: unknown): Settled {
  return { status: 'fulfilled', value }
}

function rejected(reason: unknown): Settled {
  return { status: 'rejected', reason }
}

type Settled = PromiseSettledResult<unknown>

function laterOf(call: ProviderCall, before: Settled, again: Settled): Settled {
  const batch = isBatch(call) && before.status === 'fulfilled' && Array.isArray(before.value) ? before.value : undefined
  if (batch === undefined) return isRefused(before) && isUnanswered(again) ? before : again
  if (isUnanswered(again)) return fulfilled(batch.map((each: Settled) => (isRefused(each) ? each : again)))
  if (again.status === 'rejected' || !Array.isArray(again.value)) return again
  return fulfilled(again.value.map((each: Settled, index) => (isRefused(batch[index]) && isUnanswered(each) ? batch[index] : each)))
}

function isUnanswered(result: Settled | undefined): boolean {
  if (result?.status !== 'rejected' || !SecretsError.isInstance(result.reason)) return false
  return isUnasked(result.reason.code) || result.reason.code === 'ABORTED'
}

function isRefused(result: Settled | undefined): boolean {
  return result?.status === 'rejected' && SecretsError.isInstance(result.reason) && isRefusal(result.reason.code)
}

interface Report {
  readonly circuit: CircuitBreaker
  readonly outage: OutageWarning
  readonly begunAt: number
}

function report(call: ProviderCall, result: Settled, { circuit, outage, begunAt }: Report): void {
  const [asked] = call.args
  const answers: unknown = isBatch(call) && result.status === 'fulfilled' ? result.value : undefined
  const results: readonly Settled[] = Array.isArray(answers) ? answers : [result]
  const errors = results.map((each) => (each.status === 'rejected' ? asSecretsError(each.reason) : undefined))
  const codes = errors.map((error) => error?.code)
  if (codes.some((code) => code === undefined)) outage.answered()
  if (codes.some((code) => !isWithoutNews(code) && !isSilence(code))) return circuit.succeeded()
  if (codes.every(isWithoutNews)) return circuit.withdrawn()
  const paths = Array.isArray(asked) ? asked.map(String) : [String(asked)]
  const silence = errors.findLast((error) => isSilence(error?.code))
  if (silence !== undefined) circuit.failed(paths, Date.now(), silence, begunAt)
}

function isWithoutNews(code: SecretsErrorCode | undefined): boolean {
  return code === 'ABORTED' || code === 'UNSUPPORTED'
}

function isSilence(code: SecretsErrorCode | undefined): boolean {
  return code === 'UNAVAILABLE' || code === 'DEADLINE_EXCEEDED' || code === 'CREDENTIALS_MISSING'
}

/** Codes of the core itself, and what a provider should reject with instead. */
const reserved: ReadonlyMap<SecretsErrorCode, string> = new Map([
  ['NOT_FOUND', 'its get() must resolve to undefined instead'],
  ['ABORTED', 'if the caller did not abort, it is UNAVAILABLE or DEADLINE_EXCEEDED'],
])
const onExisting = new Set(['tag', 'delete', 'restore'])

function trusted(error: unknown, method: string): SecretsError {
  const failure = asSecretsError(error)
  const remedy = reserved.get(failure.code)
  if (remedy === undefined || (failure.code === 'NOT_FOUND' && onExisting.has(method))) return failure
  return new SecretsError('INTERNAL', `the provider rejected with ${failure.code}`, { remedy })
}

/** Keeps only the kind of a foreign error, whose message may hold a secret. */
export function asSecretsError(error: unknown): SecretsError {
  let kind = 'an error of its own'
  try {
    if (SecretsError.isInstance(error)) return onOneLine(error)
    kind = kindOf(error)
  } catch {
    // A foreign object's members may throw.
  }
  return new SecretsError('INTERNAL', `the provider failed with ${kind} instead of a SecretsError`, {
    remedy: "report it to the provider's author",
  })
}

const kinds = new Set(['Error', 'TypeError', 'RangeError', 'SyntaxError', 'ReferenceError', 'AggregateError', 'AbortError', 'TimeoutError'])

function kindOf(error: unknown): string {
  if (!(error instanceof Error)) return 'something'
  return kinds.has(error.name) ? `a ${error.name}` : 'an error of its own'
}

/** Rejects with the error that a caller who waits would get. */
function rejectedWithEffect(error: unknown): Promise<never> {
  return Promise.reject(withEffect(asSecretsError(error)))
}

function withEffect(error: SecretsError): SecretsError {
  if (error.effect !== undefined) return error
  const isOpen = error.code === 'DEADLINE_EXCEEDED' || error.code === 'ABORTED' || error.code === 'INTERNAL' || !isKnownCode(error.code)
  return isOpen ? new SecretsError(error.code, error.problem, { ...error, effect: 'unknown' }) : error
}

function checked(call: ProviderCall, answer: unknown, provider: string): unknown {
  switch (call.method) {
    case 'get':
      return checkedSecret(answer)
    case 'staging.get':
      return checkedSecret(answer, stagedSecretOf)
    case 'getVersion':
      return checkedVersion(checkedSecret(answer), call.args[1])
    case 'getMany':
      return checkedMany(answer, provider)
    case 'describe':
      return answer === undefined ? undefined : descriptionOf(answer)
    case 'probe':
      return answer === undefined ? undefined : receiptOf(answer)
    case 'put':
    case 'staging.promote':
      return receiptOf(answer)
    case 'staging.put':
      return stagedReceiptOf(answer)
    case 'delete':
      return deletionOf(answer)
    default:
      return answer
  }
}

function checkedSecret(given: unknown, secretOf: typeof storedSecretOf = storedSecretOf): StoredSecret | undefined {
  if (given === undefined) return undefined
  const answer = secretOf(given)
  if (answer === undefined) throw malformed('what is not a secret')
  if (answer.expiresAt !== undefined && answer.expiresAt <= Date.now()) {
    throw new SecretsError('UNAVAILABLE', 'the store answered with a secret that has expired', {
      remedy: "compare this machine's clock with the store's",
    })
  }
  return answer
}

function checkedVersion(secret: StoredSecret | undefined, asked: unknown): StoredSecret | undefined {
  if (secret === undefined || asked === 'previous' || secret.version === asked) return secret
  throw malformed('another version than the one asked for')
}

function checkedMany(answer: unknown, provider: string): PromiseSettledResult<StoredSecret | undefined>[] {
  if (!Array.isArray(answer)) throw malformed('another number of secrets than asked for')
  return answer.map((each: Settled) => {
    try {
      if (each.status === 'rejected') throw each.reason
      return { status: 'fulfilled', value: checkedSecret(each.value) }
    } catch (error) {
      return { status: 'rejected', reason: withContext(asSecretsError(error), { provider }) }
    }
  })
}

/**
 * Copies the results, since reading a provider's objects may throw; `undefined` if the count is
 * wrong.
 */
function settledMany(answer: unknown, paths: unknown): readonly Settled[] | undefined {
  if (!Array.isArray(paths) || !isOfLength(answer, paths.length)) return undefined
  // `map` would keep holes, and a hole is no answer.
  return Array.from(paths, (_, index) => {
    try {
      return fulfilled(settledValue(Object.hasOwn(answer, index) ? answer[index] : undefined))
    } catch (error) {
      return rejected(asSecretsError(error))
    }
  })
}

function isOfLength(answer: unknown, length: number): answer is readonly unknown[] {
  try {
    return Array.isArray(answer) && answer.length === length
  } catch {
    return false
  }
}

/** Own members only: a missing one must not read as "no such secret". */
function settledValue(result: unknown): unknown {
  const { status, value, reason } = Object.getOwnPropertyDescriptors(Object(result))
  if (status?.value === 'fulfilled' && value !== undefined) return value.value
  if (status?.value === 'rejected') throw trusted(reason?.value, 'getMany')
  throw malformed('what is not a result')
}

export function malformed(what: string): SecretsError {
  return new SecretsError('INTERNAL', `the provider answered ${what}`, { remedy: "report it to the provider's author" })
}
