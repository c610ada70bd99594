import { mkdtemp } from 'node:fs/promises'
import { auditTrail, initAuditFolder, jsonLinesFile, verifyAuditTrail } from '@finchat/secrets-audit'
import type { AuditSink, AuditTrail } from '@finchat/secrets-core'
import { timed } from '../harness/measure.ts'
import type { Contender, Task } from '../harness/scenario.ts'
import { eventAt, madeTrail, manyAtOnce, manyRecords, ownPath, recordAt } from './audit-work.ts'

const context = { signal: new AbortController().signal }

export async function ownSink(task: Task, { durable }: { readonly durable: boolean }): Promise<AuditSink> {
  const folder = await mkdtemp(ownPath(task, 'trail-'))
  await initAuditFolder(folder)
  return jsonLinesFile({ folder, durable })
}

const sealed =
  (durable: boolean): Contender =>
  async (task) => {
    const sink = await ownSink(task, { durable })
    return {
      round: () => manyAtOnce(task, manyRecords, (index) => sink.write(recordAt(index), context)),
      close: async () => sink.close?.(context),
    }
  }

export const durable: Contender = sealed(true)
export const buffered: Contender = sealed(false)

/** From the event on: numbered, put into its context, under a deadline. */
export const trail: Contender = async (task) => {
  const audit: AuditTrail = auditTrail({ sinks: [await ownSink(task, { durable: true })] })
  return {
    round: () => manyAtOnce(task, manyRecords, (index) => audit.record(eventAt(index), context)),
    close: async () => audit.close?.(context),
  }
}

const verify =
  (name: 'busy' | 'quiet'): Contender =>
  (task) => {
    const { folder, key, records } = madeTrail(task, name)
    const verified = async (): Promise<void> => {
      const { ok, records: found } = await verifyAuditTrail(folder, { key })
      if (!ok || found !== records) throw new Error('the trail was not found as it was written')
    }
    return { round: () => timed(records, 'µs', verified) }
  }

export const verifyGroups: Contender = verify('busy')
export const verifyAlone: Contender = verify('quiet')
