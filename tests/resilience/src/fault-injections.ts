import { bitFlips } from './damage/bit-flips.ts'
import { stateMixtures } from './damage/state-mixtures.ts'
import type { FaultInjection } from './harness/fault-injection.ts'
import { systemCallFailures } from './disk-faults/system-call-failures.ts'
import { storeFullDisk } from './disk-faults/store-full-disk.ts'
import { cacheServerOutage } from './fleet/cache-server-outage.ts'
import { fleetRotation } from './fleet/fleet-rotation.ts'
import { simultaneousStart } from './fleet/simultaneous-start.ts'
import { rotationUnderLoad } from './rotation/rotation-under-load.ts'
import { rotatorKill } from './rotation/rotator-kill.ts'
import { rotatorsAtOnce } from './rotation/rotators-at-once.ts'
import { rotatorStop } from './rotation/rotator-stop.ts'
import { processFreeze } from './freeze/process-freeze.ts'
import { safeToRetire } from './usage/safe-to-retire.ts'
import { storeKill } from './kill/store-kill.ts'
import { storePowerLoss } from './power-loss/store-power-loss.ts'
import { tornLog } from './power-loss/torn-log.ts'
import { verifyTiming } from './timing/verify-timing.ts'
import { trailCrowd } from './concurrency/trail-crowd.ts'
import { trailOperations } from './concurrency/trail-operations.ts'
import { trailFullDisk } from './disk-faults/trail-full-disk.ts'
import { trailKill } from './kill/trail-kill.ts'
import { trailRotationKill } from './kill/trail-rotation-kill.ts'
import { trailPowerLoss } from './power-loss/trail-power-loss.ts'
import { trailWriters } from './concurrency/trail-writers.ts'
import { storeWriters } from './concurrency/store-writers.ts'

/** In the order of `pnpm test:resilience`: the longest last. */
export const faultInjections: readonly FaultInjection[] = [
  processFreeze,
  simultaneousStart,
  fleetRotation,
  rotatorsAtOnce,
  safeToRetire,
  rotationUnderLoad,
  rotatorStop,
  rotatorKill,
  cacheServerOutage,
  verifyTiming,
  storeKill,
  storeWriters,
  trailFullDisk,
  trailCrowd,
  trailOperations,
  trailWriters,
  trailKill,
  trailRotationKill,
  trailPowerLoss,
  tornLog,
  storePowerLoss,
  storeFullDisk,
  systemCallFailures,
  stateMixtures,
  bitFlips,
]
