import { configurationError } from '@finchat/secrets-core/provider'
import type { TrailVerification } from './trail-verification.ts'
import type { AuditVerification } from './verification-report.ts'
import { checkedVerifyOptions, type CheckedVerifyOptions, type VerifyAuditOptions } from './verify-options.ts'

/**
 * Verifies that the trail in this folder is as it was written. Reads it once, as a stream, also
 * while processes write to it. Continues behind a problem: each segment and each group of records
 * is verified on its own. Returns what was found; tampering is a result, not an error. Throws
 * `CONFIGURATION` for invalid options. Throws `AUDIT_FAILED` if the folder cannot be read, or if
 * `checkpoint` holds no checkpoint of this folder.
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
  const verification = await newVerification(folder, checked)
  const groups = verification.groups()
  while (!(await groups.next()).done);
  return verification.result()
}

/**
 * Loads what only a verification needs. Rollup with `inlineDynamicImports` puts that part behind an
 * entry that awaits it, where it is still undefined.
 */
export async function newVerification(folder: string, options: CheckedVerifyOptions): Promise<TrailVerification> {
  const part: Partial<typeof import('./trail-verification.ts')> | undefined = await import('./trail-verification.ts')
  if (part?.TrailVerification === undefined)
    throw configurationError('the bundle has no verification at this time', 'mark @finchat/secrets-audit external, or split it into chunks')
  return new part.TrailVerification(folder, options)
}
