import { createSecretsManager, type SecretsManager } from '@finchat/secrets-core'
import type { CountingStore } from './counting-store.ts'
import type { SimulatedCache } from './simulated-cache.ts'

export interface ProcessOptions {
  readonly hasSharedCache: boolean
  /** Its provider asks for many secrets by batches. */
  readonly preloads?: boolean
  readonly ttlSeconds?: number
}

/** The manager of one process of the fleet. */
export function newProcess(
  store: CountingStore,
  sharedCache: SimulatedCache,
  { hasSharedCache, preloads = false, ttlSeconds }: ProcessOptions,
): SecretsManager {
  const { cache, ...leases } = sharedCache.client()
  const provider = store.provider(leases, { batches: preloads })
  return createSecretsManager({ providers: [provider], cache: { ttlSeconds, ...(hasSharedCache && { shared: cache }) } })
}
