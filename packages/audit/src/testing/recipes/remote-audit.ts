import { auditTrail, functionSink } from '@finchat/secrets-audit'
import type { AuditRecord, AuditTrail, CallContext } from '@finchat/secrets-core'
import { SecretsError } from '@finchat/secrets-core'

/** Posts each record to a store that only adds. No value is returned before it has answered. */
export function remoteAudit(url: string, service: string): AuditTrail {
  const post = async (record: AuditRecord, { signal }: CallContext): Promise<void> => {
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(url, { method: 'POST', signal, headers, body: JSON.stringify(record) })
    await answer.body?.cancel()
    if (answer.ok) return
    throw new SecretsError('AUDIT_FAILED', `the log store answered ${answer.status}`, { remedy: 'see its log' })
  }
  return auditTrail({ service, sinks: [functionSink(post, { name: 'log-store', durable: true })] })
}
