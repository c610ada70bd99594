import type { CallContext, SharedCache } from '@finchat/secrets-core'
import type { Repair } from './provider/harness.ts'

/** One empty shared cache, as two processes see it. */
export interface SecretCacheHarness {
  readonly cache: SharedCache
  /** Another process's view of it. */
  readonly another: SharedCache
  /** Makes the cache server fail for both, and returns what repairs it. */
  readonly breakCache: () => Promise<Repair>
  /** Ends the server. The suite has closed both caches before. */
  readonly close: () => Promise<void>
}

export interface CacheTrial extends SecretCacheHarness {
  readonly context: CallContext
}

export type CacheRule = (trial: CacheTrial) => Promise<void>
