import type { AuditVerification } from './verification-report.ts'
import { checkedVerifyOptions, type VerifyAuditOptions } from './verify-options.ts'

/**
 * Tells whether the trail in this folder is as it was written, reading it once as a stream; processes may be writing to it. Verification goes on behind a problem: each segment
 * is judged on its own, and so is each group of records in it. Throws `CONFIGURATION` for
 * options that make no sense, and `AUDIT_FAILED` if the folder cannot be read, or there is no checkpoint of it where `checkpoint` says.
 *
 * @example
 * import { auditTrail, initAuditFolder, jsonLinesFile, verifyAuditTrail } from '@finchat/secrets-audit'
 * import { createSecretsManager, envProvider } from '@finchat/secrets-core'
 *
 * const { key } = await initAuditFolder('verified')
 * const secrets = createSecretsManager({ providers: [envProvider()], audit: auditTrail({ sinks: [jsonLinesFile({ folder: 'verified' })] }) })
 * await secrets.getSecret('FINCHAT_TOKEN')
 * await secrets.close()
 * const { ok, records, problem } = await verifyAuditTrail('verified', { key })
 * console.log(ok, records, problem) // true 1 undefined
 */
export async function verifyAuditTrail(folder: string, options: VerifyAuditOptions): Promise<AuditVerification> {
  const checked = checkedVerifyOptions(folder, options) // at once: the caller may overwrite the key
  const { TrailVerification } = await import('./trail-verification.ts')
  const verification = new TrailVerification(folder, checked)
  const groups = verification.groups()
  while (!(await groups.next()).done);
  return verification.result()
}
