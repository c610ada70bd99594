import type { CallContext, SecretFields, SecretValue } from '@finchat/secrets-core'
import { configurationError, knownOptions, SecretsError, throwIfAborted, untilAborted } from '@finchat/secrets-core/provider'
import { hasSamePassword, nextValue } from './value.ts'
import type { Generate, RotationTarget } from './target.ts'

/** The functions of a target of your own. */
export interface FunctionTargetOptions {
  /** Default: what `generate` returns; of a secret with fields, as its field `password`. */
  readonly next?: RotationTarget['next'] | undefined
  /**
   * Sets the value. May be called again with the same value. Compare `fence.token` in the very
   * statement or request that sets the value. Throw a `SecretsError` with `VERSION_CONFLICT` if a
   * higher token was there. Otherwise a process that was stopped sets an old value later.
   */
  readonly apply: RotationTarget['apply']
  /** Uses the value. Returns `refused` only if the target refuses this value; throws if unsure. */
  readonly test: RotationTarget['test']
  /** Withdraws the former value. */
  readonly retire?: RotationTarget['retire']
  /** Default: if the texts are the same, or in secrets with fields the fields `password`. */
  readonly isSameCredential?: RotationTarget['isSameCredential']
  /** Counts the sessions that use the former value. */
  readonly sessions?: RotationTarget['sessions']
}

/**
 * Returns a target that calls your functions. Errors that are no `SecretsError` are replaced, since
 * they may quote the value. It is only as safe as `apply`: without the comparison of `fence.token`,
 * a stopped process that goes on sets an old value.
 *
 * @example
 * import { functionTarget } from '@finchat/secrets-rotation'
 * import { SecretsError } from '@finchat/secrets-core'
 *
 * const account = { password: '', token: 0 }
 * export const target = functionTarget({
 *   apply: async (value, { token }) => {
 *     if (account.token > token) throw new SecretsError('VERSION_CONFLICT', 'a later attempt was here')
 *     Object.assign(account, { password: value.reveal(), token })
 *   },
 *   test: async (value) => (value.reveal() === account.password ? 'accepted' : 'refused'),
 * })
 */
export function functionTarget(options: FunctionTargetOptions): RotationTarget {
  const { next, apply, test, retire, sessions, isSameCredential = sameCredential } = checkedOptions(options)
  return {
    next: (current, generate) => settled('next', () => (next ? next(current, generate) : defaultNext(current, generate))),
    apply: (value, fence, context, current) => settled('apply', () => apply(value, fence, context, current), context),
    isSameCredential,
    test: async (value, context) => answered(await settled('test', () => test(value, context), context)),
    ...(retire && { retire: (old, current, fence, context) => settled('retire', () => retire(old, current, fence, context), context) }),
    ...(sessions && { sessions: (old, context) => settled('sessions', () => sessions(old, context), context) }),
  }
}

function checkedOptions(options: FunctionTargetOptions): FunctionTargetOptions {
  const known = knownOptions(options, { next: 'any', apply: 'any', test: 'any', retire: 'any', isSameCredential: 'any', sessions: 'any' })
  const { apply, test, ...optional } = known
  const wrong = Object.entries({ apply, test, ...optional }).find(([name, member]) => !isFunction(member, name in optional))
  if (wrong) throw configurationError(`\`${wrong[0]}\` is not a function`, 'pass `apply` and `test` at least')
  return known
}

function isFunction(member: unknown, isOptional: boolean): boolean {
  return typeof member === 'function' || (isOptional && member === undefined)
}

function sameCredential(one: SecretValue, other: SecretValue): boolean {
  return hasSamePassword(one, other, 'password')
}

async function defaultNext(current: SecretValue, generate: Generate): Promise<string | SecretFields> {
  return nextValue(current, await generate(), 'password')
}

/** Lets only a `SecretsError` out. */
async function settled<T>(member: string, call: () => Promise<T>, context?: CallContext): Promise<T> {
  if (context) throwIfAborted(context.signal)
  try {
    return await untilAborted(call(), context?.signal, `\`${member}\` ran`)
  } catch (error) {
    if (SecretsError.isInstance(error)) throw error
    const remedy = 'throw a SecretsError that says what is wrong, without the value'
    throw new SecretsError('UNAVAILABLE', `\`${member}\` of the target failed`, { remedy })
  }
}

function answered(answer: unknown): 'accepted' | 'refused' {
  if (answer === 'accepted' || answer === 'refused') return answer
  throw new SecretsError('INTERNAL', '`test` of the target returned neither accepted nor refused', { remedy: 'return one of the two' })
}
