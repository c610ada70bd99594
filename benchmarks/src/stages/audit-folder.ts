import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { initAuditFolder, jsonLinesFile } from '@finchat/secrets-audit'
import { recordAt } from '../contenders/audit-work.ts'
import { inFlight } from '../harness/measure.ts'
import type { Stage } from '../harness/scenario.ts'

/** A folder on a disk. */
export async function auditStage(): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'finchat-bench-'))
  return { setting: { folder }, end: async () => rmSync(folder, { recursive: true }) }
}

/** With a trail of so many records in it, whose first key only the auditor has. */
export async function trailStage(records: number): Promise<Stage> {
  const stage = await auditStage()
  try {
    const trail = join(String(stage.setting['folder']), 'trail')
    const { key } = await initAuditFolder(trail)
    const sink = jsonLinesFile({ folder: trail, durable: false })
    await inFlight(records, 1_024, (index) => sink.write(recordAt(index), { signal: AbortSignal.abort() }))
    await sink.close?.({ signal: AbortSignal.abort() })
    return { ...stage, setting: { ...stage.setting, trail, key, records: String(records) } }
  } catch (error) {
    await stage.end?.()
    throw error
  }
}
