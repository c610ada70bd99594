import { type FileHandle, open } from 'node:fs/promises'
import { auditTrail, jsonLinesFile } from '@finchat/secrets-audit'
import { givenOrders } from '../harness/child.ts'
import { context } from './observe.ts'
import type { TrailOrders } from './trail-writer.ts'

/* Writes records to a folder that others write to as well, and prints the name of each once it was acknowledged. */
const orders = givenOrders() as TrailOrders // as the parent process gives them
const { folder, checkpoints, label, records, inFlight, actorLength, maxSegmentBytes, diesAtSync } = orders

async function write(): Promise<void> {
  if (diesAtSync !== undefined) await dieAtSync(diesAtSync)
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

/** What was to be synced is then in the memory of the system alone. */
async function dieAtSync(count: number): Promise<void> {
  const handle = await open('/dev/null')
  await handle.close()
  const handles: Pick<FileHandle, 'sync' | 'datasync'> = Object.getPrototypeOf(handle) // a class of Node.js
  let left = count
  for (const method of ['sync', 'datasync'] as const) {
    const original = handles[method]
    handles[method] = async function (this: unknown): Promise<void> {
      left -= 1
      if (left === 0) process.kill(process.pid, 'SIGKILL')
      await Reflect.apply(original, this, [])
    }
  }
}

void write()
