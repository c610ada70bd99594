import {
  SecretsError,
  type CallContext,
  type ListedSecret,
  type SecretProvider,
  type SecretsErrorCode,
  type SecretsErrorDetails,
} from '@finchat/secrets-core'
import { pause, throwIfAborted, untilAborted, wrapProvider, type ProviderCall } from '@finchat/secrets-core/provider'

/** Replaces or wraps the provider's own answer to a call. */
export type Fault = (call: ProviderCall, next: (context: CallContext) => Promise<unknown>) => Promise<unknown>

/** A call, with its number among the calls of the same method; the first has `count` 1. */
export interface CountedCall extends ProviderCall {
  readonly count: number
}

/** Decides for each call; `undefined` lets it pass. */
export type FaultPlan = (call: CountedCall) => Fault | undefined

/** A provider whose calls fail as planned. */
export type FaultyProvider<Provider extends SecretProvider = SecretProvider> = Provider & {
  /** The number of calls of this method, or of all. */
  readonly calls: (method?: string) => number
}

/**
 * Wraps a provider with faults: `plan` decides for each call, `list` included; `close` always passes. Returns a new provider
 * that counts its calls; `provider` itself is unchanged.
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
    const fault = call.method === 'close' ? undefined : plan({ ...call, count }) // a provider must close during an outage too
    return fault === undefined ? next(call.context) : fault(call, next)
  }
  return {
    ...(wrapProvider(provider, around) as Provider), // same members
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
    yield* answer as Iterable<ListedSecret> // the list's own answer, or what the plan chose
  }
}

/** Faults for a plan, which may also return its own function. */
export const faults: {
  /** Rejects with this code, without calling the provider. */
  readonly reject: (code: SecretsErrorCode, details?: SecretsErrorDetails) => Fault
  /** Hangs until the call's signal is aborted, without calling the provider. */
  readonly hang: () => Fault
  /** Calls the provider after `ms`, by `setTimeout`; an abort ends the wait. */
  readonly delay: (ms: number) => Fault
  /** Returns any value, without calling the provider. */
  readonly answer: (garbage: unknown) => Fault
  /** Rejects with any error, without calling the provider. */
  readonly throwForeign: (error: unknown) => Fault
  /** The call takes effect and its answer is lost: `UNAVAILABLE` with `effect: 'unknown'`. */
  readonly loseAnswer: () => Fault
} = {
  reject: (code, details) => async () => {
    throw new SecretsError(code, `a fault on purpose (${code})`, details)
  },
  hang:
    () =>
    ({ context }) =>
      hang(context.signal),
  delay:
    (ms) =>
    async ({ context }, next) => {
      await pause(ms, context.signal)
      throwIfAborted(context.signal)
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
      throw new SecretsError('UNAVAILABLE', 'the answer was lost by an injected fault', { effect: 'unknown' })
    },
}

/** Rejects with `ABORTED` when the signal is aborted; never settles otherwise. */
export function hang(signal: AbortSignal): Promise<never> {
  return untilAborted(new Promise<never>(() => {}), signal)
}
