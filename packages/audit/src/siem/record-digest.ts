import { createHash } from 'node:crypto'
import { type AuditRecord, SecretsError } from '@finchat/secrets-core'
import { isRecord } from '../format/segment-format.ts'

/** What ties a copy of a record to its line in a sealed file. */
export interface RecordDigest {
  /** SHA-256 of the line without its line feed, in hex. */
  readonly sha256: string
  readonly bytes: number
}

/** Of the record in canonical form (RFC 8785), which for a flat object is JSON with sorted members: so it stands in the file sink's segments. */
export function recordDigest(record: AuditRecord): RecordDigest {
  const line = Buffer.from(JSON.stringify(record, Object.keys(record).toSorted()))
  return { sha256: createHash('sha256').update(line).digest('hex'), bytes: line.byteLength }
}

/** Throws `INVALID_ARGUMENT` for what no trail has made. */
export function assertRecord(record: unknown): asserts record is AuditRecord {
  if (typeof record === 'object' && record !== null && isRecord(record)) return
  throw new SecretsError('INVALID_ARGUMENT', 'this is no record of an audit trail', {
    remedy: 'pass what a sink is given to write, or what readAuditRecords yields',
  })
}
