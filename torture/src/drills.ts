import { bitsDrill } from './damage/bits-drill.ts'
import { mixturesDrill } from './damage/mixtures-drill.ts'
import type { Drill } from './drill.ts'
import { faultsDrill } from './faults/faults-drill.ts'
import { fullDrill } from './faults/full-drill.ts'
import { outageDrill } from './fleet/outage-drill.ts'
import { rotationDrill } from './fleet/rotation-drill.ts'
import { startDrill } from './fleet/start-drill.ts'
import { freezeDrill } from './freeze/freeze-drill.ts'
import { killDrill } from './kill/kill-drill.ts'
import { powerDrill } from './power/power-drill.ts'
import { tornDrill } from './power/torn-drill.ts'
import { timingDrill } from './timing/timing-drill.ts'
import { trailCrowdDrill } from './trail/trail-crowd-drill.ts'
import { trailDiskDrill } from './trail/trail-disk-drill.ts'
import { trailKillDrill } from './trail/trail-kill-drill.ts'
import { trailPowerDrill } from './trail/trail-power-drill.ts'
import { trailWritersDrill } from './trail/trail-writers-drill.ts'
import { writersDrill } from './writers/writers-drill.ts'

/** In the order in which `pnpm torture` runs them: the longest last. */
export const drills: readonly Drill[] = [
  freezeDrill,
  startDrill,
  rotationDrill,
  outageDrill,
  timingDrill,
  killDrill,
  writersDrill,
  trailDiskDrill,
  trailCrowdDrill,
  trailWritersDrill,
  trailKillDrill,
  trailPowerDrill,
  tornDrill,
  powerDrill,
  fullDrill,
  faultsDrill,
  mixturesDrill,
  bitsDrill,
]
