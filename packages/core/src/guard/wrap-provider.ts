import type { CallContext, SecretProvider } from '../contract/provider.ts'
import { type Close, closesLike } from './use-count.ts'
import { promised } from './deadline.ts'

/** One call of a provider's method, as `wrapProvider` passes it on. */
export interface ProviderCall {
  /** Such as `get` or `staging.put`. */
  readonly method: string
  /** Without the context. */
  readonly args: readonly unknown[]
  readonly context: CallContext
}

/**
 * Returns a provider whose calls go through `around`: every member that returns a promise, also
 * those of future versions. Absent members stay absent.
 *
 * @example
 * import { envProvider } from '@finchat/secrets-core'
 * import { wrapProvider } from '@finchat/secrets-core/provider'
 *
 * const counted = wrapProvider(envProvider(), (call, next) => {
 *   console.log(call.method)
 *   return next(call.context)
 * })
 * console.log(counted.name) // env
 */
export function wrapProvider(
  provider: SecretProvider,
  around: (call: ProviderCall, next: (context: CallContext) => Promise<unknown>) => Promise<unknown>,
): SecretProvider {
  return wrapMembers(provider, '', around)
}

/** These return no promise and take no context. */
const plain = new Set(['locate', 'keepsFields', 'list', 'changes', 'credentialStatus'])

function wrapMembers<T extends object>(target: T, prefix: string, around: Parameters<typeof wrapProvider>[1]): T {
  const wrapped = Object.entries(target).map(([key, member]: [string, unknown]) => {
    if (isGroup(member)) return [key, wrapMembers(member, `${prefix}${key}.`, around)]
    if (typeof member !== 'function' || plain.has(key)) return [key, member]
    const method = prefix + key
    const call = (...all: unknown[]): Promise<unknown> => {
      const args = all.slice(0, -1)
      // By the contract, the last argument of a call is its context.
      const context = all.at(-1) as CallContext
      return around({ method, args, context }, (next) => promised(() => member(...args, next)))
    }
    if (method === 'close') closesLike(call as Close, member as Close) // the contract's member of this name
    return [key, call]
  })
  return Object.fromEntries(wrapped) as T // the same keys, each with a member of the same type
}

/** An author's own clients and lists are not groups of calls. */
function isGroup(member: unknown): member is Record<string, unknown> {
  return typeof member === 'object' && member !== null && Object.getPrototypeOf(member) === Object.prototype
}
