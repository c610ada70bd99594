import type { SharedUsage } from '@finchat/secrets-core'
import { LoadAwareClock } from '@finchat/secrets-core/provider'
import { Stats } from '../protocol/stats.ts'
import { usageMarksOf } from '../protocol/usage-marks.ts'
import { deriveKeyRing, rawKey } from '../sealed/key-ring.ts'
import { BoundedStore } from '../store/bounded-store.ts'
import { Lifecycle } from '../store/lifecycle.ts'
import type { RedisClient } from '../store/redis-client.ts'
import { textStoreOf } from '../store/text-store.ts'
import { encryptionKey } from './fleet.ts'
import { faultyStore } from './stores.ts'

/** It calls nobody, since no answer is late for a process that is stopped. */
class StoppedClock extends LoadAwareClock {
  override after(): () => void {
    return () => {}
  }
}

const keys = deriveKeyRing([rawKey(encryptionKey)], rawKey(encryptionKey))

/** Usage marks of one process, without deadlines: a model plays a fleet in milliseconds. */
export function timelessUsage(client: RedisClient): SharedUsage {
  const [clock, lifecycle, stats] = [new StoppedClock(), new Lifecycle(), new Stats('')]
  const store = new BoundedStore(textStoreOf(faultyStore()), { timeoutMs: 1, coolDownMs: 0, clock, onFailure: () => {} })
  const waits = { waitMs: 1, leaseMs: 1, settleMs: 1 }
  return usageMarksOf({ store, client, clock, lifecycle, keys, namespace: '', keyPrefix: 'fs1:', stats, ...waits })
}
