import type { AuditRecord } from '@finchat/secrets-core'
import { type AuditVerification, verifyAuditTrail, type VerifyAuditOptions } from '../verify-audit-trail.ts'
import { readAuditRecords } from './read-records.ts'

export interface VerifiedTrail {
  readonly verification: AuditVerification
  /** The authentic records, in their order: all, or those before the problem. Each loop over it reads them anew. */
  readonly records: AsyncIterable<AuditRecord>
}

/**
 * Verifies the trail in this folder, and gives the records that were found authentic to `queryRecords`, `summarize` and whoever else reads them. It reads the
 * files twice: nobody may be able to change them in between, so an auditor does it on a copy. Rejects as `verifyAuditTrail` does.
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
 * const { verification, records } = await verifiedTrail('reported', { key })
 * const report = summaryReport(await summarize(records), { format: 'text', verification })
 * console.log(report.split('\n')[1]) // Verified: every record is as it was written (1).
 */
export async function verifiedTrail(folder: string, options: VerifyAuditOptions): Promise<VerifiedTrail> {
  const verification = await verifyAuditTrail(folder, options)
  return { verification, records: { [Symbol.asyncIterator]: () => readAuditRecords(folder, verification.records) } }
}
