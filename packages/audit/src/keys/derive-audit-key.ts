import { configurationError, knownOptions } from '@finchat/secrets-core/provider'
import { parsedStartKey, startKeyText } from './start-key.ts'

/** What `deriveAuditKey` takes beside the key. */
export interface DeriveAuditKeyOptions {
  /** The number in the name of the first segment that the derived key verifies. */
  readonly firstSegment: number
}

/** Limits the work of a mistyped number: some four seconds. */
const mostSteps = 10_000_000

/**
 * Derives a key that verifies a trail from one segment on, and none before it: for an auditor of one
 * year. The index is verified whole, since each line holds the hash of the line before. Returns text
 * for `key` of `verifyAuditTrail`. Throws `CONFIGURATION` for anything but an auditor's key, and for
 * a segment before the one that the given key begins with.
 *
 * @example
 * import { initAuditFolder, verifyAuditTrail } from '@finchat/secrets-audit'
 * import { deriveAuditKey } from '@finchat/secrets-audit/folder'
 *
 * const { key } = await initAuditFolder('of-many-years')
 * const later = deriveAuditKey(key, { firstSegment: 1 })
 * const { ok } = await verifyAuditTrail('of-many-years', { key: later })
 * console.log(ok) // true
 */
export function deriveAuditKey(key: string | Uint8Array, options: DeriveAuditKeyOptions): string {
  const { firstSegment } = knownOptions(options, { firstSegment: 'any' })
  const start = parsedStartKey(key)
  try {
    if (!Number.isSafeInteger(firstSegment) || firstSegment < Math.max(1, start.step) || firstSegment - start.step > mostSteps)
      throw configurationError('`firstSegment` is not a segment that this key verifies', 'pass the number in the name of a segment')
    const later = { ...start, key: start.key.later(firstSegment - start.step), step: firstSegment }
    const text = startKeyText(later)
    later.key.wipe()
    return textOf(text)
  } finally {
    start.key.wipe()
  }
}

function textOf(bytes: Buffer): string {
  const text = bytes.toString('latin1')
  bytes.fill(0)
  return text
}
