import {
  SecretsError,
  wrapProvider,
  type CallContext,
  type ListedSecret,
  type ProviderCall,
  type SecretProvider,
  type SecretsErrorCode,
  type SecretsErrorDetails,
} from '@finchat/secrets-core'

/** What happens to a call instead of, or around, the provider's own answer. */
export type Fault = (call: ProviderCall, next: (context: CallContext) => Promise<unknown>) => Promise<unknown>

/** A call with how many calls of the same method there were, this one included: the first has `count` 1. */
export interface CountedCall extends ProviderCall {
  readonly count: number
}

/** Decides for each call; `undefined` lets it pass. */
export type FaultPlan = (call: CountedCall) => Fault | undefined

export type FaultyProvider<Provider extends SecretProvider = SecretProvider> = Provider & {
  /** How many calls there were, of this method or of all. */
  readonly calls: (method?: string) => number
}

/**
 * A provider that does as `plan` says, call by call, and otherwise answers as `provider` does. `list` is a call too; `close` always passes.
 * Returns a new provider that counts its calls; `provider` itself is unchanged.
 *
 * @example
 * import { faults, faultyProvider, memoryProvider } from '@finchat/secrets-testkit'
 *
 * const healthy = memoryProvider({ secrets: { api_key: 'v1' } })
 * const provider = faultyProvider(healthy, ({ method, count }) => (method === 'get' && count > 1 ? faults.reject('UNAVAILABLE') : undefined))
 * const context = { signal: AbortSignal.timeout(1000) }
 * console.log((await provider.get('api_key', context))?.value) // v1
 * console.log(await provider.get('api_key', context).catch((error) => error.code), provider.calls('get')) // UNAVAILABLE 2
 */
export function faultyProvider<Provider extends SecretProvider>(provider: Provider, plan: FaultPlan): FaultyProvider<Provider> {
  const counts = new Map<string, number>()
  const around: Fault = (call, next) => {
    const count = (counts.get(call.method) ?? 0) + 1
    counts.set(call.method, count)
    const fault = call.method === 'close' ? undefined : plan({ ...call, count }) // a store that is down can still be left
    return fault === undefined ? next(call.context) : fault(call, next)
  }
  return {
    ...(wrapProvider(provider, around) as Provider), // it has the same members
    ...(provider.list && { list: faultyList(provider.list, around) }),
    calls: (method) => (method === undefined ? [...counts.values()].reduce((sum, count) => sum + count, 0) : (counts.get(method) ?? 0)),
  }
}

type List = NonNullable<SecretProvider['list']>

function faultyList(list: List, around: Fault): List {
  return async function* (prefix, context) {
    const all = async (next: CallContext): Promise<unknown> => {
      const listed: ListedSecret[] = []
      for await (const secret of list(prefix, next)) listed.push(secret)
      return listed
    }
    const answer = await around({ method: 'list', args: [prefix], context }, all)
    yield* answer as Iterable<ListedSecret> // the list's own answer, or the garbage that the plan chose
  }
}

/** The faults that a plan chooses from; a plan may also give a function of its own. */
export const faults: {
  /** Rejects with this code; the provider is not asked. */
  readonly reject: (code: SecretsErrorCode, details?: SecretsErrorDetails) => Fault
  /** Never answers, until the call's signal is aborted; the provider is not asked. */
  readonly hang: () => Fault
  /** Asks the provider after that many milliseconds, by `setTimeout`; an abort ends the wait. */
  readonly delay: (ms: number) => Fault
  /** Answers this, whatever it is; the provider is not asked. */
  readonly answer: (garbage: unknown) => Fault
  /** Rejects with this, which need not be a `SecretsError`; the provider is not asked. */
  readonly throwForeign: (error: unknown) => Fault
  /** The provider does what was asked and its answer is lost: `UNAVAILABLE` with `effect: 'unknown'`. */
  readonly loseAnswer: () => Fault
} = {
  reject: (code, details) => async () => {
    throw new SecretsError(code, `a fault on purpose (${code})`, details)
  },
  hang:
    () =>
    ({ context }) =>
      untilAborted(context.signal),
  delay:
    (ms) =>
    async ({ context }, next) => {
      await waited(ms, context.signal)
      return next(context)
    },
  answer: (garbage) => async () => garbage,
  throwForeign: (error) => async () => {
    throw error
  },
  loseAnswer:
    () =>
    async ({ context }, next) => {
      await next(context)
      throw new SecretsError('UNAVAILABLE', 'the answer was lost on purpose', { effect: 'unknown' })
    },
}

/** Rejects with `ABORTED` when the signal is aborted, and never settles otherwise. */
export function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const end = (): void => reject(new SecretsError('ABORTED', 'the call was aborted'))
    if (signal.aborted) end()
    else signal.addEventListener('abort', end, { once: true })
  })
}

function waited(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return untilAborted(signal)
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      clearTimeout(timer)
      reject(new SecretsError('ABORTED', 'the call was aborted'))
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', abort)
      resolve()
    }, ms)
    signal.addEventListener('abort', abort, { once: true })
  })
}
