import type { Announcements } from './announcements.ts'
import type { CacheKeys } from '../sealed/key-ring.ts'
import type { KeyCheck } from './key-check.ts'
import type { Lifecycle } from '../store/lifecycle.ts'
import type { LoadAwareClock } from '@finchat/secrets-core/provider'
import type { PatientStore } from '../store/bounded-store.ts'
import type { RedisClient } from '../store/redis-client.ts'
import type { Reports } from './stats.ts'

/** What reads, fills and invalidations of one cache have in common. */
export interface LevelParts {
  readonly store: PatientStore
  readonly clock: LoadAwareClock
  readonly lifecycle: Lifecycle
  readonly client: RedisClient | undefined
  readonly keys: CacheKeys
  readonly index: Uint8Array
  readonly namespace: string
  readonly keyPrefix: string
  readonly reports: Reports
  readonly announcements: Announcements
  readonly keyCheck: KeyCheck
  /** How long a read waits for another process's answer. */
  readonly waitMs: number
  readonly leaseMs: number
  readonly settleMs: number
  readonly longestCloseMs: number
}
