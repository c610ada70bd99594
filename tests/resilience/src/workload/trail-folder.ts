import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { auditTrail, initAuditFolder, jsonLinesFile } from '@finchat/secrets-audit'
import { context } from './observe.ts'

/** A folder made ready for a trail, where its checkpoints go, and the auditor's key. */
export interface TrailFolder {
  readonly folder: string
  readonly checkpoints: string
  readonly key: string
}

export async function newTrailFolder(parent: string): Promise<TrailFolder> {
  mkdirSync(parent, { recursive: true })
  const folder = join(parent, 'trail')
  const { key } = await initAuditFolder(folder)
  return { folder, checkpoints: join(parent, 'checkpoints'), key }
}

/** The next process that opens the folder records how dead processes left it. */
export async function recordEnds({ folder, checkpoints }: TrailFolder): Promise<void> {
  const audit = auditTrail({ sinks: [jsonLinesFile({ folder, checkpoints: { to: checkpoints } })], sinkDeadlineMs: 120_000 })
  await audit.record({ phase: 'outcome', time: Date.now(), operation: 'get', name: 'last', outcome: 'ok' }, context)
  await audit.close?.(context)
}
