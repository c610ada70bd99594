import { verifyAuditTrail } from '@finchat/secrets-audit'
import { timed } from '../harness/measure.ts'
import type { Contender, Task } from '../harness/scenario.ts'
import type { UsedTrail } from '../stages/used-trails.ts'

/** By `per`: a segment or a record. */
const used =
  (name: string, per: 'segments' | 'records'): Contender =>
  (task) => {
    const { folder, checkpoints, key, ...made } = usedTrail(task, name)
    const verified = async (): Promise<void> => {
      const { ok, records, segments, segmentsLeftOut } = await verifyAuditTrail(folder, { key, checkpoint: checkpoints })
      if (!ok || records !== made.records || segments.length + segmentsLeftOut !== made.segments)
        throw new Error('the trail was not found as it was written')
    }
    const round = async (): Promise<Record<string, number>> => ({
      ...(await timed(made[per], 'µs', verified)),
      memory: process.resourceUsage().maxRSS / 1_024,
    })
    return { round }
  }

function usedTrail({ setting }: Task, name: string): UsedTrail {
  return JSON.parse(String(setting[name])) as UsedTrail // written by the stage
}

export const jobs: Contender = used('jobs', 'segments')
export const fewerJobs: Contender = used('fewerJobs', 'segments')
export const service: Contender = used('service', 'records')
export const halfOfJobs: Contender = used('halfOfJobs', 'segments')
export const fewerOfService: Contender = used('fewerOfService', 'records')
