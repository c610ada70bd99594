import type { CallContext, SecretProvider } from '../contract/provider.ts'
import { type Close, closesLike } from './use-count.ts'
import { promised } from './deadline.ts'

/** One call on its way to a provider. */
export interface ProviderCall {
  /** `get`, `getMany`, `staging.put`, … */
  readonly method: string
  /** The call's arguments without its context. */
  readonly args: readonly unknown[]
  readonly context: CallContext
}

/**
 * A provider that answers as `provider` does, with `around` in between: every member that returns a
 * promise goes through it, those of future versions of the contract included. Returns a new
 * provider; members that are absent stay absent.
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

/** Members that return no promise and take no context. */
const plain = new Set(['locate', 'keepsFields', 'list'])

function wrapMembers<T extends object>(target: T, prefix: string, around: Parameters<typeof wrapProvider>[1]): T {
  const wrapped = Object.entries(target).map(([key, member]: [string, unknown]) => {
    if (isGroup(member)) return [key, wrapMembers(member, `${prefix}${key}.`, around)]
    if (typeof member !== 'function' || plain.has(key)) return [key, member]
    const method = prefix + key
    const call = (...all: unknown[]): Promise<unknown> => {
      const args = all.slice(0, -1)
      // The contract's rule: the last argument of every promise-returning member is its context.
      const context = all.at(-1) as CallContext
      return around({ method, args, context }, (next) => promised(() => member(...args, next)))
    }
    if (method === 'close') closesLike(call as Close, member as Close) // the contract's member of this name
    return [key, call]
  })
  return Object.fromEntries(wrapped) as T // the same keys, each with a member of the same type
}

/** A group of calls, such as `staging`; an author's own clients and lists stay as they are. */
function isGroup(member: unknown): member is Record<string, unknown> {
  return typeof member === 'object' && member !== null && Object.getPrototypeOf(member) === Object.prototype
}
