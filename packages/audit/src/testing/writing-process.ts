import { setTimeout } from 'node:timers/promises'
import { auditTrail } from '../audit-trail.ts'
import { jsonLinesFile } from '../json-lines-file.ts'
import { context, event } from './folders.ts'

/*
 * Another process that writes to a folder, and prints the name of each record once it is acknowledged. It is killed, or ends after so many.
 * `node writing-process.ts FOLDER CHECKPOINTS NAME COUNT`
 */
const [folder = '', checkpoints = '', name = '', count = ''] = process.argv.slice(2)

const inFlight = 8

async function write(): Promise<void> {
  const audit = auditTrail({ sinks: [jsonLinesFile({ folder, checkpoints: { to: checkpoints, everyMs: 10 } })], sinkDeadlineMs: 60_000 })
  let next = 0
  const writer = async (): Promise<void> => {
    while (next < Number(count)) {
      const written = `${name}-${next++}`
      await audit.record({ ...event, name: written }, context)
      process.stdout.write(`${written}\n`)
      await setTimeout(1) // others want to run too
    }
  }
  await Promise.all(Array.from({ length: inFlight }, writer))
  await audit.close?.(context)
}

void write()
