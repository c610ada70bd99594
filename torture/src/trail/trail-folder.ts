import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { initAuditFolder } from '@finchat/secrets-audit'

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
