import { createHash } from 'node:crypto'
import type { AuditRecord } from '@finchat/secrets-core'

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
