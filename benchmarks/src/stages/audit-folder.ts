import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { initAuditFolder, jsonLinesFile } from '@finchat/secrets-audit'
import { type MadeTrail, recordAt, width } from '../contenders/audit-work.ts'
import { inFlight } from '../harness/measure.ts'
import type { Stage } from '../harness/scenario.ts'

/** A folder on a disk. */
export async function auditStage(): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'finchat-bench-'))
  return { setting: { folder }, end: async () => rmSync(folder, { recursive: true }) }
}

/**
 * With two trails: one of records written 1,024 at once and sealed by 64, and one of records sealed
 * alone.
 */
export async function trailsStage(scale: number): Promise<Stage> {
  const stage = await auditStage()
  try {
    const folder = String(stage.setting['folder'])
    const busy = await makeTrail(join(folder, 'busy'), Math.ceil(200_000 * scale), width)
    const quiet = await makeTrail(join(folder, 'quiet'), Math.ceil(20_000 * scale), 1)
    return { ...stage, setting: { folder, busy, quiet } }
  } catch (error) {
    await stage.end?.()
    throw error
  }
}

/** Returns what a contender needs to know of it, as JSON. */
async function makeTrail(folder: string, records: number, atOnce: number): Promise<string> {
  const { key } = await initAuditFolder(folder)
  const [sink, context] = [jsonLinesFile({ folder, durable: false }), { signal: new AbortController().signal }]
  await inFlight(records, atOnce, (index) => sink.write(recordAt(index), context))
  await sink.close?.(context)
  return JSON.stringify({ folder, key, records } satisfies MadeTrail)
}
