import { auditTrail, jsonLinesFile } from '@finchat/secrets-audit'
import { rotateAuditFolder } from '@finchat/secrets-audit/folder'
import { givenOrders } from '../harness/child.ts'
import { context } from './observe.ts'
import type { TrailFolder } from './trail-folder.ts'

/**
 * Writes to a trail, begins its next folder and writes again, each record by another person; prints
 * the name of each record once it was acknowledged.
 */
const { folder, checkpoints, names } = givenOrders() as RotatingOrders // as the parent process gives them

export interface RotatingOrders extends TrailFolder {
  /** The file with the keys of names of persons. */
  readonly names: string
}

async function run(): Promise<void> {
  const sinks = [jsonLinesFile({ folder, checkpoints: { to: checkpoints } })]
  const audit = auditTrail({ sinks, sinkDeadlineMs: 120_000, sealNames: { file: names } })
  const record = async (name: string): Promise<void> => {
    await audit.record({ phase: 'outcome', time: Date.now(), operation: 'get', name, actor: `person of ${name}`, outcome: 'ok' }, context)
    process.stdout.write(`${name}\n`)
  }
  for (const name of ['before-1', 'before-2']) await record(name)
  await rotateAuditFolder(folder)
  for (const name of ['after-1', 'after-2']) await record(name)
  await audit.close?.(context)
}

void run()
