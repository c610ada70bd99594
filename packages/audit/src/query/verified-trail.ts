import type { AuditRecord } from '@finchat/secrets-core'
import { invalidArgument } from '@finchat/secrets-core/provider'
import type { TrailVerification } from '../verify/trail-verification.ts'
import { loadVerification } from '../verify/verify-audit-trail.ts'
import type { AuditVerification } from '../verify/audit-verification.ts'
import { checkedVerifyOptions, type VerifyAuditOptions } from '../verify/verify-options.ts'
import { readOnce } from './read-once.ts'

/** A verification, and what was read in the same pass. */
export interface VerifiedTrail<Result> {
  readonly verification: AuditVerification
  /** What `read` returned. */
  readonly result: Result
}

/**
 * Verifies the trail in this folder, and passes its authentic records to `read`, in order:
 * `summarize`, `queryRecords` in a loop, or any other reader. The files are read once, so what was
 * verified is what was read. If `read` stops early, the rest is verified all the same. Returns the
 * verification, and what `read` resolves to. Rejects as `verifyAuditTrail` and `read` do. Reading
 * the records twice, or after `read` resolved, throws `INVALID_ARGUMENT`.
 *
 * @example
 * import { auditTrail, initAuditFolder, jsonLinesFile } from '@finchat/secrets-audit'
 * import { summarize, summaryReport, verifiedTrail } from '@finchat/secrets-audit/report'
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
 * console.log(report.includes('Verified: every record is as it was written (1).')) // true
 */
export async function verifiedTrail<Result>(
  folder: string,
  options: VerifyAuditOptions,
  read: (records: AsyncIterable<AuditRecord>) => Promise<Result>,
): Promise<VerifiedTrail<Result>> {
  const checked = checkedVerifyOptions(folder, options)
  try {
    if (typeof read !== 'function') throw invalidArgument('`read` is not a function', 'pass (records) => summarize(records)')
    const TrailVerification = await loadVerification()
    return await readVerified(new TrailVerification(folder, checked), read)
  } finally {
    checked.start.key.wipe()
  }
}

async function readVerified<Result>(
  trail: TrailVerification,
  read: (records: AsyncIterable<AuditRecord>) => Promise<Result>,
): Promise<VerifiedTrail<Result>> {
  const result = await readOnce(trail.groups(), read)
  return { verification: trail.result(), result }
}
