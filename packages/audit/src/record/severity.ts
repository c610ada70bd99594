import type { AuditRecord } from '@finchat/secrets-core'

export type Severity = 'info' | 'warn' | 'error'

/** How loud a record is where things have a level: `warn` for what failed, `error` for records that went missing, `info` for the rest. */
export function severityOf({ operation, outcome }: AuditRecord): Severity {
  if (operation === 'gap') return 'error'
  return outcome === 'error' ? 'warn' : 'info'
}
