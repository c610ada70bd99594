import { fstatSync, readSync, writeSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { hostname } from 'node:os'
import { SecretsError } from '@finchat/secrets-core/provider'
import { canonicalLine, canonicalLineIfAny } from '../record/canonical.ts'
import { shownPath } from '../disk/folder-errors.ts'
import { syncData } from '../disk/fsync.ts'
import { type ChainKey, isMac } from '../keys/key-chain.ts'
import { digestOf } from '../record/digest.ts'
import {
  arePredecessors,
  type ErasureMark,
  type HoldMark,
  isErasureMark,
  isHoldMark,
  isPruneMark,
  isSuccessorMark,
  type Predecessor,
  type PruneMark,
  type SuccessorMark,
} from './index-marks.ts'
import { isCount, parsedLine } from './segment-format.ts'

/** How a segment was found at its end. It must never change afterwards. */
export interface EndedSegment {
  /** The epoch that opened it. */
  readonly step: number
  /** Up to the end of its last seal. */
  readonly bytes: number
  /** The group of its last seal. */
  readonly group: number
  readonly records: number
  /** Bytes behind the last seal, which were never acknowledged: its process died while writing. */
  readonly torn: number
  /** The hash over all seals, base64url; empty without a seal. */
  readonly seals: string
  /**
   * `ended`: by its own process. `cut`: its process died. `missing`: the file was gone. `unused`:
   * its process died while opening it, before any record was acknowledged.
   */
  readonly found: 'ended' | 'cut' | 'missing' | 'unused'
}

/** A line of the index: one epoch. */
export interface IndexEntry {
  readonly v: 2
  /**
   * The hash of the line before, base64url; empty in the first. In the first line of a folder that
   * follows another it is the hash of the line by which that one was left.
   */
  readonly before: string
  readonly folder: string
  readonly step: number
  readonly time: number
  readonly host: string
  readonly pid: number
  /** Whether the epoch opened a segment, which then has its number. */
  readonly opens: boolean
  readonly ended: readonly EndedSegment[]
  /** Bytes of an unfinished line that stood here, if any: its epoch never happened. */
  readonly cut?: number | undefined
  /** Segments that were removed for their age. */
  readonly pruned?: PruneMark | undefined
  /** Whether nothing may be removed from now on, and why. */
  readonly hold?: HoldMark | undefined
  /** Names of persons that were erased. */
  readonly erased?: ErasureMark | undefined
  /** The folder in which the trail goes on. */
  readonly successor?: SuccessorMark | undefined
  /** The folders before this one, from the first on; in the first line alone. */
  readonly follows?: readonly Predecessor[] | undefined
}

export function entryOrigin(folder: string, step: number): Pick<IndexEntry, 'v' | 'folder' | 'step' | 'time' | 'host' | 'pid'> {
  return { v: 2, folder, step, time: Date.now(), host: hostname(), pid: process.pid }
}

export function indexLine(entry: IndexEntry, stepKey: ChainKey): string {
  return canonicalLine({ ...entry, mac: macUnder(stepKey, canonicalLine(entry)).toString('base64url') })
}

function macUnder(stepKey: ChainKey, ...signed: readonly (string | Buffer)[]): Buffer {
  const key = stepKey.derived('index')
  try {
    return key.mac('index', ...signed)
  } finally {
    key.wipe()
  }
}

/** `undefined` unless the line is an entry, byte for byte as we write it. */
export function asIndexEntry(line: Buffer): (IndexEntry & { readonly mac: string }) | undefined {
  const parsed = parsedLine(line)
  if (parsed === undefined || !isEntry(parsed)) return undefined
  return usualForm.test(line.toString('latin1')) || line.equals(Buffer.from(canonicalLineIfAny(parsed) ?? '')) ? parsed : undefined
}

const [number, hash, plain] = ['(?:0|[1-9]\\d{0,14})', '"(?:[\\w-]{43})?"', '"[ !#-\\[\\]-~]*"']
const endForm = `{"bytes":${number},"found":"[a-z]+","group":${number},"records":${number},"seals":${hash},"step":${number},"torn":${number}}`
/** Canonical at first sight: plain numbers, and text that JSON writes as it is. */
const usualForm = new RegExp(
  `^{"before":${hash},(?:"cut":${number},)?"ended":\\[(?:${endForm}(?:,${endForm})*)?\\],"folder":${plain},"host":${plain},` +
    `"mac":${hash},"opens":(?:true|false),"pid":${number},"step":${number},"time":${number},"v":2}\n$`,
)

export function isAuthentic({ mac, ...entry }: IndexEntry & { readonly mac: string }, stepKey: ChainKey): boolean {
  return isMac(macUnder(stepKey, canonicalLine(entry)), mac)
}

/** As `isAuthentic`, for the line of an entry as it was read: without its MAC it is what was signed. */
export function isLineAuthentic(line: Buffer, mac: string, stepKey: ChainKey): boolean {
  const member = `"mac":"${mac}",`
  const at = line.indexOf(member)
  return at !== -1 && isMac(macUnder(stepKey, line.subarray(0, at), line.subarray(at + member.length)), mac)
}

function isEntry(entry: object): entry is IndexEntry & { readonly mac: string } {
  const { v, step, before, ended, opens, mac, cut = 0, ...marks } = entry as Partial<Record<keyof IndexEntry | 'mac', unknown>> // each is looked at; the MAC covers the rest
  if (!areMarks(marks)) return false
  if (v !== 2 || !isCount(step) || !isCount(cut) || typeof opens !== 'boolean') return false
  if (typeof mac !== 'string' || typeof before !== 'string') return false
  return Array.isArray(ended) && ended.every(isEnded)
}

function areMarks({ pruned, hold, erased, successor, follows }: Partial<Record<keyof IndexEntry, unknown>>): boolean {
  if (erased !== undefined && !isErasureMark(erased)) return false
  if ((pruned !== undefined && !isPruneMark(pruned)) || (hold !== undefined && !isHoldMark(hold))) return false
  return (successor === undefined || isSuccessorMark(successor)) && (follows === undefined || arePredecessors(follows))
}

function isEnded(ended: unknown): ended is EndedSegment {
  if (typeof ended !== 'object' || ended === null) return false
  const { step, bytes, group, records, torn, seals } = ended as Partial<Record<keyof EndedSegment, unknown>> // each is looked at
  return [step, bytes, group, records, torn].every(isCount) && typeof seals === 'string'
}

/** Longer than any entry; more than this behind the last entry was added by someone. */
export const maxEntryBytes: number = 64 * 1024
const tailBytes = 4 * maxEntryBytes
const lineFeed = 0x0a

export interface IndexEnd {
  readonly last: IndexEntry & { readonly mac: string }
  /** The hash of its line. */
  readonly digest: string
  /** The offset behind its line. */
  readonly end: number
  /**
   * What stands behind it: an unfinished line, or what a power cut made of it, which may end in a
   * line feed.
   */
  readonly cut: Buffer
}

/**
 * To be called under the folder's lock, and therefore synchronous: each return to the event loop
 * would delay all who wait. Throws `INTEGRITY` if the index is not as it was left.
 */
export function indexEnd({ fd }: FileHandle, folder: string): IndexEnd {
  const { size } = fstatSync(fd)
  const from = Math.max(0, size - tailBytes)
  const tail = Buffer.alloc(size - from)
  readSync(fd, tail, 0, tail.length, from)
  const found = lastEntry(tail)
  if (found === undefined) throw brokenIndex(folder)
  return { ...found, end: from + found.end, cut: tail.subarray(found.end) }
}

/** `undefined` if more stands behind the last entry than a dying process leaves. */
function lastEntry(tail: Buffer): Omit<IndexEnd, 'cut'> | undefined {
  let end = tail.lastIndexOf(lineFeed) + 1
  while (end > 0 && tail.length - end <= maxEntryBytes) {
    const start = tail.subarray(0, end - 1).lastIndexOf(lineFeed) + 1
    const line = tail.subarray(start, end)
    const last = asIndexEntry(line)
    if (last !== undefined) return { last, end, digest: digestOf(line) }
    end = start
  }
  return undefined
}

/** Only one of several processes can create the index. */
export async function createIndex(path: string, line: string): Promise<void> {
  const file = await open(path, 'ax', 0o600)
  try {
    await appendToIndex(file, line, 0)
  } finally {
    await file.close()
  }
}

/** Overwrites what stands behind `end`. On disk when it resolves. */
export async function appendToIndex(file: FileHandle, line: string, end: number): Promise<void> {
  await cutAt(end, file)
  const bytes = Buffer.from(line)
  for (let written = 0; written < bytes.length;) written += writeSync(file.fd, bytes, written, bytes.length - written, end + written)
  await syncData(file)
}

/** Syncs the truncation first: else a power cut could leave a line with a sector of the old one. */
async function cutAt(end: number, file: FileHandle): Promise<void> {
  if (fstatSync(file.fd).size === end) return
  await file.truncate(end)
  await syncData(file)
}

export function brokenIndex(folder: string): SecretsError {
  return new SecretsError('INTEGRITY', `the index of the audit trail is not as it was left: ${shownPath(folder)}`, {
    remedy: 'keep the folder as it is, for the auditor; name a new one, made ready by initAuditFolder, and restart',
  })
}
