import { auditTrail, jsonLinesFile } from '@finchat/secrets-audit'
import { rotateAuditFolder } from '@finchat/secrets-audit/folder'
import { givenOrders } from '../harness/child.ts'
import { context } from './observe.ts'
import type { TrailFolder } from './trail-folder.ts'

/* Writes to a trail, begins its next folder and writes again; prints the name of each record once it was acknowledged. */
const { folder, checkpoints } = givenOrders() as TrailFolder // as the parent process gives them

async function run(): Promise<void> {
  const audit = auditTrail({ sinks: [jsonLinesFile({ folder, checkpoints: { to: checkpoints } })], sinkDeadlineMs: 120_000 })
  const record = async (name: string): Promise<void> => {
    await audit.record({ phase: 'outcome', time: Date.now(), operation: 'get', name, outcome: 'ok' }, context)
    process.stdout.write(`${name}\n`)
  }
  for (const name of ['before-1', 'before-2']) await record(name)
  await rotateAuditFolder(folder)
  for (const name of ['after-1', 'after-2']) await record(name)
  await audit.close?.(context)
}

void run()
