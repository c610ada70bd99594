import { existsSync, readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { auditTrail, initAuditFolder, jsonLinesFile } from '@finchat/secrets-audit'
import { copyAuditTrail } from '@finchat/secrets-audit/report'
import type { AuditTrail } from '@finchat/secrets-core'

export interface AuditPlaces {
  /** On the container's own disk, which ends with it. */
  readonly disk: string
  /** On a mount that outlives it. */
  readonly archive: string
  /** The auditor's public X25519 key, as PEM. */
  readonly auditor: string
  /** Writes a line to the central log. */
  readonly log: (line: string) => void
}

/** Sealed records on the disk; checkpoints at once, and a copy each minute, in the archive. */
export async function containerAudit(places: AuditPlaces): Promise<{ audit: AuditTrail; archive: () => Promise<void> }> {
  const folder = join(places.disk, 'audit')
  // A container that restarts in its pod or task finds its folder again.
  if (!existsSync(join(folder, 'key.json'))) await initAuditFolder(folder, { auditor: places.auditor })
  const { folder: id } = JSON.parse(readFileSync(join(folder, 'auditor-key.json'), 'utf8')) as { folder: string }
  places.log(`the audit folder of ${hostname()} is ${id}`) // in the central log it shows that no other folder was put there
  const target = join(places.archive, `${hostname()}-${id}`)
  const sent = join(target, 'sent')
  const audit = auditTrail({ sinks: [jsonLinesFile({ folder, checkpoints: { to: sent } })] })
  let last = Promise.resolve()
  const copy = (): Promise<void> => {
    const run = async (): Promise<void> => {
      await copyAuditTrail(folder, target, { checkpoints: existsSync(sent) ? sent : undefined })
    }
    return (last = last.then(run, run)) // one after another
  }
  const timer = setInterval(() => void copy().catch((error: Error) => places.log(error.message)), 60_000).unref()
  const archive = (): Promise<void> => {
    clearInterval(timer)
    return copy()
  }
  return { audit, archive }
}
