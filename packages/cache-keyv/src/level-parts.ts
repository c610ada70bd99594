import type { Announcements } from './announcements.ts'
import type { CacheKeys } from './cache-keys.ts'
import type { KeyCheck } from './key-check.ts'
import type { Lifecycle } from './lifecycle.ts'
import type { LoadAwareClock } from '@finchat/secrets-core/timing'
import type { PatientStore } from './patient-store.ts'
import type { RedisClient } from './redis-client.ts'
import type { Reports } from './reports.ts'

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
