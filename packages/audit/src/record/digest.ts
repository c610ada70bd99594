import type { AuditRecord } from '@finchat/secrets-core'
import { loadCrypto } from '@finchat/secrets-core/provider'

/** Ties a copy of a record to its line in a sealed file. */
export interface RecordDigest {
  /** SHA-256 of the line without its line feed, hex. */
  readonly sha256: string
  readonly bytes: number
}

/**
 * The digest of the record's line in a segment: its canonical form (RFC 8785). `canonicalText` makes
 * the same text, but throws for a lone surrogate, and foreign records have a digest too.
 */
export function recordDigest(record: AuditRecord): RecordDigest {
  const line = Buffer.from(JSON.stringify(record, Object.keys(record).toSorted()))
  return { sha256: loadCrypto().createHash('sha256').update(line).digest('hex'), bytes: line.byteLength }
}

/** Precedes the first seal of a segment. */
export const noSeals: Buffer = Buffer.alloc(32)

/** SHA-256 over all seals up to this one. Two segments with the same hash hold the same records. */
export function sealsWith(before: Buffer, sealLine: Uint8Array): Buffer {
  return loadCrypto().hash('sha256', Buffer.concat([before, sealLine]), 'buffer')
}

/** The hash of an index line, which holds the hash of the line before it. */
export function digestOf(line: string | Uint8Array): string {
  return loadCrypto().hash('sha256', line, 'base64url')
}
