import { type AuditRecord, SecretsError } from '@finchat/secrets-core'
import { isRecord } from '../format/segment-format.ts'

/** Throws `INVALID_ARGUMENT` for what no trail has made. */
export function assertRecord(record: unknown): asserts record is AuditRecord {
  if (typeof record === 'object' && record !== null && isRecord(record)) return
  throw new SecretsError('INVALID_ARGUMENT', 'this is no record of an audit trail', {
    remedy: 'pass what a sink is given to write, or what readAuditRecords yields',
  })
}
