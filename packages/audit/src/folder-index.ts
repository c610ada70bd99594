import type { KeyObject } from 'node:crypto'
import { open } from 'node:fs/promises'
import { SecretsError } from '@finchat/secrets-core'
import { canonicalLine } from './canonical.ts'
import { derivedKey, isMac, macOf } from './key-chain.ts'
import { isCount, parsedLine } from './segment-format.ts'

/** How a segment was found when it had ended: what stands in it then must stand in it for ever. */
export interface EndedSegment {
  /** The step that opened it. */
  readonly step: number
  /** Up to the end of its last seal. */
  readonly bytes: number
  /** Of its last seal. */
  readonly group: number
  readonly records: number
  /** What stood behind the last seal, bytes: its process died while it wrote. Nothing of it was acknowledged. */
  readonly torn: number
  /**
   * `ended`: by its own process. `cut`: its process died, and another one found it so. `missing`: the file was gone. `unused`: its process
   * died while it opened it; no record was ever acknowledged.
   */
  readonly found: 'ended' | 'cut' | 'missing' | 'unused'
}

/** One line of the index: one step of the folder's key. */
export interface IndexEntry {
  readonly v: 1
  readonly folder: string
  readonly step: number
  readonly time: number
  readonly host: string
  readonly pid: number
  /** Whether this step opened a segment, which has its number. */
  readonly opens: boolean
  readonly ended: readonly EndedSegment[]
}

export function indexLine(entry: IndexEntry, stepKey: KeyObject): string {
  return canonicalLine({ ...entry, mac: macOf(derivedKey(stepKey, 'index'), 'index', canonicalLine(entry)).toString('base64url') })
}

/** `undefined`: the line is no entry, or does not stand there as we write it. */
export function asIndexEntry(line: Buffer): (IndexEntry & { readonly mac: string }) | undefined {
  const parsed = parsedLine(line)
  if (parsed === undefined || !isEntry(parsed) || !line.equals(Buffer.from(canonicalLine(parsed)))) return undefined
  return parsed
}

export function isAuthentic({ mac, ...entry }: IndexEntry & { readonly mac: string }, stepKey: KeyObject): boolean {
  return isMac(macOf(derivedKey(stepKey, 'index'), 'index', canonicalLine(entry)), mac)
}

function isEntry(entry: object): entry is IndexEntry & { readonly mac: string } {
  const { v, step, ended, opens, mac } = entry as Partial<Record<keyof IndexEntry | 'mac', unknown>> // each is looked at; the MAC covers the rest
  return v === 1 && isCount(step) && typeof opens === 'boolean' && typeof mac === 'string' && Array.isArray(ended) && ended.every(isEnded)
}

function isEnded(ended: unknown): ended is EndedSegment {
  if (typeof ended !== 'object' || ended === null) return false
  const { step, bytes, group, records, torn } = ended as Partial<Record<keyof EndedSegment, unknown>> // each is looked at
  return [step, bytes, group, records, torn].every(isCount)
}

/** Enough for any entry that we write. */
const tailBytes = 256 * 1024
const lineFeed = 0x0a

/**
 * The last entry of the index. A line that a dying process left unfinished is cut off: its step never happened. To be called under the folder's lock.
 * Throws `INTEGRITY` if the index is not as we left it.
 */
export async function lastEntry(path: string): Promise<IndexEntry & { readonly mac: string }> {
  const file = await open(path, 'r+')
  try {
    const { size } = await file.stat()
    const from = Math.max(0, size - tailBytes)
    const tail = Buffer.alloc(size - from)
    await file.read(tail, 0, tail.length, from)
    const end = tail.lastIndexOf(lineFeed) + 1
    if (from + end < size) await file.truncate(from + end)
    const entry = asIndexEntry(tail.subarray(tail.subarray(0, Math.max(0, end - 1)).lastIndexOf(lineFeed) + 1, end))
    if (entry !== undefined) return entry
  } finally {
    await file.close()
  }
  throw brokenIndex()
}

/** With `ax` as the first line of a new index, which only one of many can be. */
export async function appendToIndex(path: string, line: string, flag: 'a' | 'ax' = 'a'): Promise<void> {
  const file = await open(path, flag, 0o600)
  try {
    await file.appendFile(line)
    await file.datasync()
  } finally {
    await file.close()
  }
}

export function brokenIndex(): SecretsError {
  return new SecretsError('INTEGRITY', 'the index of the audit trail is not as it was left', {
    remedy: 'verify the folder with the auditor, keep it, and begin a new one',
  })
}
