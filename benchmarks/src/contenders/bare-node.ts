import { sinceStart } from '../harness/measure.ts'
import type { Contender } from '../harness/scenario.ts'

/** The start of Node.js and of this harness, and nothing else. */
export const start: Contender = (task) => ({ round: async () => sinceStart(task.spawnedAt) })
