import { configurationError, knownOptions } from '@finchat/secrets-core/provider'
import { readFirstEntry } from '../format/first-entry.ts'
import { parsedStartKey, type StartKey, startKeyText } from '../keys/start-key.ts'
import { keyOfSuccessor } from '../keys/successor-key.ts'

/** What `deriveAuditKey` takes beside the key: one of the two. */
export interface DeriveAuditKeyOptions {
  /** The number in the name of the first segment that the derived key verifies. */
  readonly firstSegment?: number | undefined
  /** The path of the first folder that it verifies, one in which the trail of the key went on. */
  readonly folder?: string | undefined
}

/** Limits the work of a mistyped number: some four seconds. */
const mostSteps = 10_000_000

/**
 * Derives a key that verifies a trail from one segment on, and none before it: for an auditor of one
 * year. The index is verified whole, since each line holds the hash of the line before. Or from a
 * folder on, in which the trail went on. Returns text for `key` of `verifyAuditTrail`. Throws
 * `CONFIGURATION` for anything but an auditor's key, for a segment before the one that the given key
 * begins with, and for a folder that does not follow the one of the key.
 *
 * @example
 * import { initAuditFolder, verifyAuditTrail } from '@finchat/secrets-audit'
 * import { deriveAuditKey, rotateAuditFolder } from '@finchat/secrets-audit/folder'
 *
 * const { key } = await initAuditFolder('of-many-years')
 * const later = deriveAuditKey(key, { firstSegment: 1 })
 * const { ok } = await verifyAuditTrail('of-many-years', { key: later })
 * const { to } = await rotateAuditFolder('of-many-years')
 * const next = await verifyAuditTrail(to, { key: deriveAuditKey(key, { folder: to }) })
 * console.log(ok, next.ok) // true true
 */
export function deriveAuditKey(key: string | Uint8Array, options: DeriveAuditKeyOptions): string {
  const { firstSegment, folder } = knownOptions(options, { firstSegment: 'any', folder: 'string' })
  const start = parsedStartKey(key)
  try {
    if ((firstSegment === undefined) === (folder === undefined))
      throw configurationError('neither `firstSegment` nor `folder` is given, or both', 'pass one of them')
    const later = folder === undefined ? fromSegment(start, firstSegment) : fromFolder(start, folder)
    const text = startKeyText(later)
    later.key.wipe()
    return textOf(text)
  } finally {
    start.key.wipe()
  }
}

function fromSegment(start: StartKey, firstSegment: unknown): StartKey {
  const first = Number.isSafeInteger(firstSegment) ? Number(firstSegment) : Number.NaN
  if (!(first >= Math.max(1, start.step)) || first - start.step > mostSteps)
    throw configurationError('`firstSegment` is not a segment that this key verifies', 'pass the number in the name of a segment')
  return { ...start, key: start.key.later(first - start.step), step: first }
}

function fromFolder(start: StartKey, folder: string): StartKey {
  const entry = readFirstEntry(folder)
  const found = entry?.follows && keyOfSuccessor(start, entry.follows, entry.folder)
  if (found !== undefined) return found
  throw configurationError(
    `${JSON.stringify(folder)} is not a folder in which the trail of this key went on`,
    'pass the path of a folder within the first one, such as audit/2026-12-01',
  )
}

function textOf(bytes: Buffer): string {
  const text = bytes.toString('latin1')
  bytes.fill(0)
  return text
}
