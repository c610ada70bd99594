import { join } from 'node:path'
import type { Stage } from '../harness/scenario.ts'
import { auditStage } from './audit-folder.ts'
import type { WrittenTrail } from './trail-writer.ts'
import { type TrailUse, writeTrail } from './used-trail.ts'

/** Where a trail and its checkpoints are, and what is in them. */
export interface UsedTrail extends WrittenTrail {
  readonly folder: string
  readonly checkpoints: string
}

const minutesOfDay = 1_440
const secondsOfDay = 86_400
const from = Date.UTC(2026, 0, 1)
const idle = { services: 0, recordsPerDay: 0, checkpointsPerDay: 0 }

/** How a job that runs each minute, and a service that is always busy, use a trail. */
interface Uses {
  readonly job: Omit<TrailUse, 'days'>
  readonly busy: Omit<TrailUse, 'days'>
}

/** A month of a job that runs each minute, three days of it, and a month of a service that is always busy. */
export function usedTrailsStage(scale: number): Promise<Stage> {
  return stageOf(scale, ({ job, busy }) => ({
    jobs: { ...job, days: 30 },
    fewerJobs: { ...job, days: 3 },
    service: { ...busy, days: 30 },
  }))
}

/** A year of the job, half of it, and three days; a quarter of the service, and nine days. */
export function yearOfTrailsStage(scale: number): Promise<Stage> {
  return stageOf(scale, ({ job, busy }) => ({
    jobs: { ...job, days: 365 },
    halfOfJobs: { ...job, days: 182 },
    fewerJobs: { ...job, days: 3 },
    service: { ...busy, days: 90 },
    fewerOfService: { ...busy, days: 9 },
  }))
}

async function stageOf(scale: number, usesOf: (uses: Uses) => Readonly<Record<string, TrailUse>>): Promise<Stage> {
  const stage = await auditStage()
  try {
    const folder = String(stage.setting['folder'])
    const perDay = (count: number): number => Math.max(4, Math.ceil(count * scale))
    const job = { from, runsPerDay: perDay(minutesOfDay), recordsPerRun: 2, ...idle }
    const busy = { services: 1, recordsPerDay: perDay(secondsOfDay), checkpointsPerDay: perDay(secondsOfDay) }
    const uses = usesOf({ job, busy: { from, runsPerDay: 0, recordsPerRun: 0, ...busy } })
    const made = Object.fromEntries(Object.entries(uses).map(([name, use]) => [name, trailOf(folder, name, use)]))
    return { ...stage, setting: { folder, ...made } }
  } catch (error) {
    await stage.end?.()
    throw error
  }
}

/** Returns what a contender needs to know of it, as JSON. */
function trailOf(parent: string, name: string, use: TrailUse): string {
  const [folder, checkpoints] = [join(parent, name, 'audit'), join(parent, name, 'checkpoints')]
  return JSON.stringify({ folder, checkpoints, ...writeTrail(folder, checkpoints, use) } satisfies UsedTrail)
}
