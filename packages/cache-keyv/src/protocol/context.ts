import type { LoadAwareClock } from '@finchat/secrets-core/provider'
import type { KeyRing } from '../sealed/key-ring.ts'
import type { BoundedStore } from '../store/bounded-store.ts'
import type { Lifecycle } from '../store/lifecycle.ts'
import type { RedisClient } from '../store/redis-client.ts'
import type { Stats } from './stats.ts'

/** Multiplies waits and leases while a process starts. */
export const startFactor = 4

/** What the operations of one cache share. */
export interface CacheContext {
  readonly store: BoundedStore
  readonly client: RedisClient | undefined
  readonly clock: LoadAwareClock
  readonly lifecycle: Lifecycle
  readonly keys: KeyRing
  readonly namespace: string
  readonly keyPrefix: string
  readonly stats: Stats
  readonly waitMs: number
  /** How long a fill lease lasts if its holder does not answer. */
  readonly leaseMs: number
  /** How long a claim must stand without a conditional write. */
  readonly settleMs: number
}
