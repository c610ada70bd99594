import { pino } from 'pino'
import type { Contender } from '../harness/scenario.ts'
import { manyRecords, oneByOne, ownPath, recordAt } from './audit-work.ts'

/**
 * Each event is with the operating system before the call returns, and not on disk. Its own host,
 * process and time are left out: the record has them.
 */
export const sync: Contender = (task) => {
  const destination = pino.destination({ dest: ownPath(task, 'pino.log'), sync: true })
  const log = pino({ base: null, timestamp: false }, destination)
  return { round: () => oneByOne(task, manyRecords, (index) => log.info(recordAt(index))), close: async () => destination.end() }
}
