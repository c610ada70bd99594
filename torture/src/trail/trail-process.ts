import { auditTrail, jsonLinesFile } from '@finchat/secrets-audit'
import { givenOrders } from '../child.ts'
import { context } from '../workload/observe.ts'
import type { TrailOrders } from './trail-writer.ts'

/* Writes records to a folder that others write to as well, and prints the name of each once it was acknowledged. */
const { folder, checkpoints, label, records, inFlight, actorLength, maxSegmentBytes } = givenOrders() as TrailOrders // as the drill gives them

async function write(): Promise<void> {
  const audit = auditTrail({
    sinks: [jsonLinesFile({ folder, checkpoints: { to: checkpoints, everyMs: 10 }, maxSegmentBytes })],
    sinkDeadlineMs: 120_000,
  })
  let next = 0
  const writer = async (): Promise<void> => {
    while (next < records) {
      const name = `${label}-${next++}`
      const event = { phase: 'outcome', time: Date.now(), operation: 'get', name, actor: 'x'.repeat(actorLength), outcome: 'ok' } as const
      await audit.record(event, context)
      process.stdout.write(`${name}\n`)
    }
  }
  await Promise.all(Array.from({ length: inFlight }, writer))
  await audit.close?.(context)
}

void write()
