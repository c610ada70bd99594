import { hash } from 'node:crypto'

/** Before the first seal of a segment. */
export const noSeals: Buffer = Buffer.alloc(32)

/**
 * SHA-256 over all seals up to this one. A seal stands for all that it seals, even against who has
 * the key, so two segments with the same hash hold the same.
 */
export function sealsWith(before: Buffer, sealLine: Uint8Array): Buffer {
  return hash('sha256', Buffer.concat([before, sealLine]), 'buffer')
}

/** Of a line of the index, which has that of the line before in it. */
export function digestOf(line: string | Uint8Array): string {
  return hash('sha256', line, 'base64url')
}
