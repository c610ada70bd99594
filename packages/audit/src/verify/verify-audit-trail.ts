import { loadOnUse } from '@finchat/secrets-core/provider'
import type { AuditVerification } from './audit-verification.ts'
import { checkedVerifyOptions, type VerifyAuditOptions } from './verify-options.ts'

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
  try {
    const TrailVerification = await loadVerification()
    const verification = new TrailVerification(folder, checked)
    const groups = verification.groups()
    while (!(await groups.next()).done);
    return verification.result()
  } finally {
    checked.start.key.wipe()
  }
}

type Module = typeof import('./trail-verification.ts')

const verification = { what: 'the verification of audit trails', name: '@finchat/secrets-audit' }

/**
 * Loads the verification, which a process that only records never needs. Throws `CONFIGURATION`
 * where its file is missing. A bundle of one file may run it only after its entry, which must not
 * wait for it at its top level then.
 */
export async function loadVerification(): Promise<Module['TrailVerification']> {
  const { TrailVerification } = await loadOnUse(verification, () => import('./trail-verification.ts'), 'TrailVerification')
  return TrailVerification
}
