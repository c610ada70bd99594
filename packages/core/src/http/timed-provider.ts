import type { SecretProvider } from '../contract/provider.ts'
import { wrapProvider } from '../guard/wrap-provider.ts'
import { type CallBounds, timedCall } from './call-bounds.ts'
import { asSecretsErrors } from './transport-error.ts'

/**
 * Returns the provider with one time limit for all requests of a call. Its calls reject only with a
 * `SecretsError`.
 *
 * @example
 * import { timedProvider } from '@finchat/secrets-core/http'
 *
 * const closing = new AbortController()
 * const hangs = { specificationVersion: 'v1', name: 'mine', get: () => new Promise<undefined>(() => {}) } as const
 * console.log(timedProvider(hangs, { timeoutMs: 4_500, closing: closing.signal }).name) // mine
 */
export function timedProvider<Provider extends SecretProvider>(
  provider: Provider,
  limits: Pick<CallBounds, 'timeoutMs' | 'closing'>,
): Provider {
  const timed = wrapProvider(provider, ({ method, context }, next) =>
    method === 'close'
      ? next(context)
      : asSecretsErrors(false, () => timedCall({ ...limits, signal: context.signal }, (signal) => next({ ...context, signal }))),
  )
  return timed as Provider // the same members
}
