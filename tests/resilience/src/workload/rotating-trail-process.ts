import { auditTrail, jsonLinesFile } from '@finchat/secrets-audit'
import { eraseAuditNames, rotateAuditFolder } from '@finchat/secrets-audit/folder'
import { givenOrders } from '../harness/child.ts'
import { context } from './observe.ts'
import { personOf, type RotatingOrders } from './rotating-orders.ts'

/**
 * Writes to a trail, begins its next folder and writes again, each record by another person, then
 * erases the person of the first; prints the name of each record once it was acknowledged.
 */
const { folder, checkpoints, names } = givenOrders() as RotatingOrders // as the parent process gives them

async function run(): Promise<void> {
  const sinks = [jsonLinesFile({ folder, checkpoints: { to: checkpoints } })]
  const audit = auditTrail({ sinks, sinkDeadlineMs: 120_000, sealNames: { file: names } })
  const record = async (name: string): Promise<void> => {
    await audit.record({ phase: 'outcome', time: Date.now(), operation: 'get', name, actor: personOf(name), outcome: 'ok' }, context)
    process.stdout.write(`${name}\n`)
  }
  for (const name of ['before-1', 'before-2']) await record(name)
  await rotateAuditFolder(folder)
  for (const name of ['after-1', 'after-2']) await record(name)
  await eraseAuditNames(folder, { file: names, names: [personOf('before-1')], reason: 'request 17' })
  process.stdout.write('erased\n')
  await audit.close?.(context)
}

void run()
