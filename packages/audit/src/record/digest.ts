import type { AuditRecord } from '@finchat/secrets-core'

let loaded: typeof import('node:crypto') | undefined

/** `node:crypto`, loaded by its first use: it takes as long to import as half of this package. */
export function crypto(): typeof import('node:crypto') {
  return (loaded ??= process.getBuiltinModule('node:crypto'))
}

/** What ties a copy of a record to its line in a sealed file. */
export interface RecordDigest {
  /** SHA-256 of the line without its line feed, in hex. */
  readonly sha256: string
  readonly bytes: number
}

/** Of the record in canonical form (RFC 8785), which for a flat object is JSON with sorted members: so it stands in the file sink's segments. */
export function recordDigest(record: AuditRecord): RecordDigest {
  const line = Buffer.from(JSON.stringify(record, Object.keys(record).toSorted()))
  return { sha256: crypto().createHash('sha256').update(line).digest('hex'), bytes: line.byteLength }
}

/** Before the first seal of a segment. */
export const noSeals: Buffer = Buffer.alloc(32)

/**
 * SHA-256 over all seals up to this one. A seal stands for all that it seals, even against who has
 * the key, so two segments with the same hash hold the same.
 */
export function sealsWith(before: Buffer, sealLine: Uint8Array): Buffer {
  return crypto().hash('sha256', Buffer.concat([before, sealLine]), 'buffer')
}

/** Of a line of the index, which has that of the line before in it. */
export function digestOf(line: string | Uint8Array): string {
  return crypto().hash('sha256', line, 'base64url')
}
