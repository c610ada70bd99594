import type { AuditRecord } from '@finchat/secrets-core'
import { recordsOf, type SegmentGroup } from '../segment-reader.ts'
import { type AuditVerification, TrailVerification, type VerifyAuditOptions } from '../verify-audit-trail.ts'

export interface VerifiedTrail<Result> {
  readonly verification: AuditVerification
  /** What `read` made of the authentic records. */
  readonly result: Result
}

/**
 * Verifies the trail in this folder, and hands the records to `read` as they are found authentic, in their order: all, or those before the problem. `read` is
 * `summarize`, `queryRecords` in a loop, or whatever else reads them; when it stops early, the rest is verified all the same. The files are read once, so that
 * what was verified is what was read. Returns what was found, and what `read` resolves to. Rejects as `verifyAuditTrail` and `read` do.
 *
 * @example
 * import { auditTrail, initAuditFolder, jsonLinesFile, summarize, summaryReport, verifiedTrail } from '@finchat/secrets-audit'
 * import { createSecretsManager, envProvider } from '@finchat/secrets-core'
 *
 * const { key } = await initAuditFolder('reported')
 * const audit = auditTrail({ sinks: [jsonLinesFile({ folder: 'reported' })] })
 * const secrets = createSecretsManager({ providers: [envProvider()], audit })
 * await secrets.getSecret('FINCHAT_TOKEN', { actor: 'webapp' })
 * await secrets.close()
 *
 * const { verification, result: summary } = await verifiedTrail('reported', { key }, (records) => summarize(records))
 * const report = summaryReport(summary, { format: 'text', verification })
 * console.log(report.split('\n')[1]) // Verified: every record is as it was written (1).
 */
export async function verifiedTrail<Result>(
  folder: string,
  options: VerifyAuditOptions,
  read: (records: AsyncIterable<AuditRecord>) => Promise<Result>,
): Promise<VerifiedTrail<Result>> {
  const trail = new TrailVerification(folder, options)
  const groups = trail.groups()
  try {
    const result = await read(recordsIn(groups))
    while (!(await groups.next()).done);
    return { verification: trail.result(), result }
  } finally {
    await groups.return(undefined)
  }
}

/** Leaves the groups open when its reader stops: there is more to verify. */
async function* recordsIn(groups: AsyncGenerator<SegmentGroup>): AsyncGenerator<AuditRecord> {
  for (let next = await groups.next(); next.done !== true; next = await groups.next()) yield* recordsOf(next.value)
}
