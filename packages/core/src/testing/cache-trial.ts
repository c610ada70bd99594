import { afterEach, beforeEach, vi } from 'vitest'
import { CircuitBreaker } from '../guard/circuit-breaker.ts'
import { ProviderCache, type StoreOptions } from '../cache/provider-cache.ts'
import type { CallContext, SecretProvider, StoredSecret } from '../contract/provider.ts'
import type { SharedCache } from '../contract/shared-cache.ts'
import type { Found, StoreRead } from '../cache/single-flight.ts'
import { SecretsError } from '../errors/secrets-error.ts'
import { SharedCacheClient } from '../cache/shared/shared-cache-client.ts'
import { Zeroizer } from '../value/zeroizer.ts'
import { tracing } from '../observe/trace-channels.ts'

export const second = 1_000
export const start = 1_000_000_000

/** Each test of the file begins at `start`, on a clock that only the test moves. */
export function onCacheClock(): void {
  beforeEach(() => {
    vi.useFakeTimers({ now: start })
    // The whole TTL, and the longest back-off.
    vi.spyOn(Math, 'random').mockReturnValue(1)
  })
  afterEach(() => {
    vi.restoreAllMocks()
    vi.useRealTimers()
  })
}

export type Answer = () => Promise<StoredSecret | undefined>
export type Get = (path: string, context: CallContext) => Promise<StoredSecret | undefined>

export function fail(code: SecretsError['code'], details: { retryAt?: number } = {}): Promise<never> {
  return Promise.reject(new SecretsError(code, 'x', details))
}

/** A cache over a store whose `get` a test sets; every call is counted. */
export function cached(
  members: Partial<SecretProvider> = {},
  options: Partial<StoreOptions> = {},
): { store: ProviderCache; get: ReturnType<typeof vi.fn<Get>> } {
  const get = vi.fn<Get>(async () => ({ value: 'v1' }))
  const provider: SecretProvider = { specificationVersion: 'v1', name: 'p', get, ...members }
  const defaults: StoreOptions = {
    ttlMs: 300 * second,
    maxStaleMs: 300 * second,
    maxEntries: 1_000,
    deadlineMs: 5_000,
    patientMs: 1_250,
    circuit: new CircuitBreaker(),
    shared: undefined,
    zeroizer: new Zeroizer(),
    tracing: tracing(),
    closing: new AbortController().signal,
  }
  return { store: new ProviderCache(provider, { ...defaults, ...options }), get }
}

export function found(store: ProviderCache, read: Partial<StoreRead> = {}): Promise<Found | undefined> {
  return store.read({ path: 'a', mode: 'cached', ...read })
}

/** What a reader gets to see: the text, `undefined`, or the code of the failure. */
export async function seen(store: ProviderCache, read: Partial<StoreRead> = {}): Promise<string | undefined> {
  try {
    const answer = await found(store, read)
    return answer && `${answer.held.text()}${answer.stale ? ' (stale)' : ''}`
  } catch (error) {
    if (!SecretsError.isInstance(error)) throw error
    return error.code
  }
}

export function pass(seconds: number): Promise<unknown> {
  return vi.advanceTimersByTimeAsync(seconds * second)
}

/** Answers that come when the test lets them, one for each call. */
export function slow(get: ReturnType<typeof vi.fn<Get>>): ((answer: StoredSecret | Promise<StoredSecret | undefined>) => void)[] {
  const landings: ReturnType<typeof slow> = []
  get.mockImplementation(() => {
    const { promise, resolve } = Promise.withResolvers<StoredSecret | undefined>()
    landings.push(resolve)
    return promise
  })
  return landings
}

export function shared(members: Partial<SharedCache> = {}): {
  client: SharedCacheClient
  read: ReturnType<typeof vi.fn<SharedCache['read']>>
  fill: ReturnType<typeof vi.fn<SharedCache['fill']>>
} {
  const read = vi.fn<SharedCache['read']>(async () => ({ leaseToken: { generation: 1 } }))
  const fill = vi.fn<SharedCache['fill']>(async () => {})
  const cache: SharedCache = { specificationVersion: 'v1', read, fill, invalidate: async () => {}, ...members }
  return {
    client: new SharedCacheClient(cache, 'eu', {
      deadlineMs: 5_000,
      lifeMs: 192 * second,
      recheckMs: 5 * second,
      closing: new AbortController().signal,
      closingFills: new AbortController().signal,
    }),
    read,
    fill,
  }
}
