import { type CallContext, type SecretFields, SecretsError, type SecretValue } from '@finchat/secrets-core'
import { hasCode, isWholeNumber, longestTimerMs, throwIfAborted, untilAborted, withDetails } from '@finchat/secrets-core/provider'
import { auditedStep } from '@finchat/secrets-core/staging'
import type { Generate, RotationTarget } from '../targets/target.ts'
import type { Run } from './rotate-options.ts'
import { notNew } from './rotation-error.ts'
import { holdsValue, type Waiting } from './stored-versions.ts'

/** The value that follows the current one. Rejects with `CONFIGURATION` if it is the same. */
export async function nextValue(run: Run, current: SecretValue, generate: Generate): Promise<string | SecretFields> {
  const { target, call } = run
  const signal = call.signal ?? neverAborted
  const following = await guarded('next', run, { signal }, () => target.next(current, guardedGenerate(generate)))
  if (typeof following !== 'string' && Object(following) !== following)
    throw new SecretsError('INTERNAL', '`next` of the target returned no value', { remedy: 'return a text or fields' })
  if (holdsValue(current, following)) throw notNew(run.name)
  return following
}

/** Whether the target accepts the value. Rejects if the target cannot tell. */
export async function isAccepted(run: Run, value: SecretValue): Promise<boolean> {
  run.progress.enter('test')
  const answer: unknown = await step(run, 'test', value, (context) => run.target.test(value, context))
  if (answer === 'accepted' || answer === 'refused') return answer === 'accepted'
  throw new SecretsError('INTERNAL', '`test` of the target returned neither accepted nor refused', { remedy: 'return one of the two' })
}

/** Sets the staged value. False: a later attempt was there. */
export function apply(run: Run, { value, attempt }: Waiting, current: SecretValue): Promise<boolean> {
  run.progress.enter('apply')
  return unlessFenced(step(run, 'apply', value, (context) => run.target.apply(value, fenceOf(run, 2 * attempt), context, current)))
}

/** Sets the current value again, above the staged one. False: a later attempt was there. */
export function applyAgain(run: Run, { attempt }: Waiting, current: SecretValue): Promise<boolean> {
  run.progress.enter('rollBack')
  return unlessFenced(
    step(run, 'rollback', current, (context) => run.target.apply(current, fenceOf(run, 2 * attempt + 1), context, current)),
  )
}

/**
 * Withdraws the former value, above every earlier attempt and below the staged one, which is not
 * applied yet. False: it was, or a later one.
 */
export function retire(run: Run, { attempt }: Waiting, old: SecretValue, current: SecretValue): Promise<boolean> {
  run.progress.enter('retire')
  const withdraw = async (context: CallContext): Promise<void> => run.target.retire?.(old, current, fenceOf(run, 2 * attempt - 1), context)
  return unlessFenced(step(run, 'retire', old, withdraw))
}

/** How many sessions use the value; undefined if the target cannot tell. */
export async function sessionsOf(
  asked: Pick<Run, 'name' | 'call'>,
  target: RotationTarget | undefined,
  old: SecretValue,
): Promise<number | undefined> {
  const context: CallContext = { signal: asked.call.signal ?? neverAborted }
  const sessions: unknown = await guarded('sessions', asked, context, async () => target?.sessions?.(old, context))
  if (sessions === undefined || isWholeNumber(sessions, 0, Infinity)) return sessions
  throw new SecretsError('INTERNAL', '`sessions` of the target returned no whole number', { remedy: 'return how many sessions there are' })
}

function fenceOf({ name }: Run, token: number): { secret: string; token: number } {
  return { secret: name, token }
}

type Operation = 'apply' | 'rollback' | 'retire' | 'test'

function step<T>(run: Run, operation: Operation, value: SecretValue, work: (context: CallContext) => Promise<T>): Promise<T> {
  const { secrets, name, call } = run
  const { provider, version, revision } = value
  const audited = { operation, name, provider, version, revision, readOnly: operation === 'test' }
  return auditedStep(secrets, audited, call, (context) => guarded(operation, run, context, () => work(context)))
}

async function unlessFenced(changed: Promise<unknown>): Promise<boolean> {
  try {
    await changed
    return true
  } catch (error) {
    if (hasCode(error, 'VERSION_CONFLICT')) return false
    throw error
  }
}

/**
 * Ends with the caller, and lets no foreign error out, nor a `cause` that was put on ours: they may
 * quote the value.
 */
async function guarded<T>(
  operation: Operation | 'next' | 'sessions',
  { name, call }: Pick<Run, 'name' | 'call'>,
  { signal }: CallContext,
  work: () => Promise<T>,
): Promise<T> {
  throwIfAborted(signal)
  // Node would end while the target holds no handle: the timer of AbortSignal.timeout keeps nothing alive.
  const alive = call.signal && setInterval(() => {}, longestTimerMs)
  try {
    return await untilAborted((async () => work())(), signal, 'the target was at work')
  } catch (error) {
    throw outwardError(error, operation, name)
  } finally {
    clearInterval(alive)
  }
}

function outwardError(error: unknown, operation: Operation | 'next' | 'sessions', secret: string): SecretsError {
  if (SecretsError.isInstance(error)) return withDetails(error, { secret: error.secret ?? secret })
  return new SecretsError('UNAVAILABLE', `the target failed at '${operation}'`, {
    secret,
    effect: ['test', 'next', 'sessions'].includes(operation) ? undefined : 'unknown',
    remedy: 'see what the target reports, and rotate again',
  })
}

function guardedGenerate(generate: Generate): Generate {
  return async () => {
    const value: unknown = await generate()
    if (typeof value === 'string' && value !== '') return value
    throw new SecretsError('INTERNAL', '`generate` returned no text', { remedy: 'pass passwordGenerator() or another generator' })
  }
}

const neverAborted = new AbortController().signal
