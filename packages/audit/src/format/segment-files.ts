import { closeSync, type Dirent, readSync } from 'node:fs'
import { opendir, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { loadCrypto } from '@finchat/secrets-core/provider'
import { keyFile } from './folder-key.ts'
import { asHeader, type SegmentHeader } from './segment-format.ts'
import { unlessMissing } from '../disk/folder-errors.ts'
import { openRegularAtOnce } from '../disk/open-regular.ts'
import { indexFile, isRegularFile, linesOf } from './segment-reader.ts'
import { DamagedArchive, isCompressed } from '../disk/gzip-file.ts'

/** A possible segment, wherever it was moved within the folder. */
export interface SegmentFile {
  readonly path: string
  /** `undefined`: the file does not begin as a segment. */
  readonly header: SegmentHeader | undefined
  /** Anything else is never opened. */
  readonly isFile: boolean
  readonly isEmpty: boolean
}

/** Entries of a listing that are read at once. */
export const bufferSize = 256

/**
 * The possible segments in a folder: all files with `.jsonl` in their names but the index, in any order.
 * One that was removed since it was listed is left out.
 */
export async function* eachSegmentFile(folder: string): AsyncGenerator<SegmentFile> {
  for await (const entry of await opendir(folder, { bufferSize })) {
    const file = mayBeSegment(entry.name) ? await listedFile(folder, entry).catch(unlessMissing) : undefined
    if (file !== undefined) yield file
  }
}

/** A link is looked at; the listing says of others what they are. */
export function listedFile(folder: string, entry: Dirent): Promise<SegmentFile> {
  return segmentFile(join(folder, entry.name), entry.isFile() || undefined)
}

/** The same by epoch. */
export async function segmentFiles(folder: string): Promise<readonly SegmentFile[]> {
  const files: SegmentFile[] = []
  for await (const file of eachSegmentFile(folder)) files.push(file)
  return files.toSorted(byName).toSorted(byStep)
}

export function byStep(one: SegmentFile, other: SegmentFile): number {
  return (one.header?.step ?? Infinity) - (other.header?.step ?? Infinity) || 0
}

export function byName({ path: one }: SegmentFile, { path: other }: SegmentFile): number {
  return one < other ? -1 : 1
}

/** The folder's first key, sealed for the auditor. */
export const auditorKeyFile = 'auditor-key.json'

/** A lock that is held has a journal beside it. */
const ours = /^(folder|retention|removal|segment-\d{8,})\.lock(-journal)?$/

/** Whether the file neither belongs to the trail nor may be a segment. */
export function isForeign(name: string): boolean {
  const known = [indexFile, auditorKeyFile, keyFile, `${keyFile}.new`]
  return !name.includes('.jsonl') && !known.includes(name) && !ours.test(name)
}

export function mayBeSegment(name: string): boolean {
  return name.includes('.jsonl') && name !== indexFile
}

/** The epoch in the name of a segment, compressed or not. */
export function stepOfName(path: string): number | undefined {
  const digits = /^segment-(\d{8,16})\.jsonl(\.gz)?$/.exec(basename(path))?.[1]
  return digits === undefined ? undefined : Number(digits)
}

/** Compares the unpacked content. */
export async function areAlike(one: string, other: string): Promise<boolean> {
  const first = await contentOf(one)
  const second = first && (await contentOf(other, first.bytes))
  return first !== undefined && first.digest === second?.digest
}

/** `undefined` if it is damaged or too large. */
async function contentOf(path: string, mostBytes?: number): Promise<{ readonly bytes: number; readonly digest: string } | undefined> {
  const hash = loadCrypto().createHash('sha256')
  let bytes = 0
  try {
    for await (const lines of linesOf(path, mostBytes)) {
      for (const line of lines) hash.update(line)
      bytes += lines.reduce((sum, line) => sum + line.length, 0)
      if (bytes > (mostBytes ?? bytes)) return undefined
    }
    return { bytes, digest: hash.digest('hex') }
  } catch (error) {
    if (error instanceof DamagedArchive) return undefined
    throw error
  }
}

export async function segmentFile(path: string, isFile?: boolean): Promise<SegmentFile> {
  const isThere = isFile ?? (await isRegularFile(path))
  const header = isThere ? await headerOf(path) : undefined
  return { path, header, isFile: isThere, isEmpty: isThere && header === undefined && (await stat(path)).size === 0 }
}

async function headerOf(path: string): Promise<SegmentHeader | undefined> {
  const line = isCompressed(path) ? await firstUnpackedLine(path) : firstLine(path)
  return line && asHeader(line)
}

/** A header is shorter: a host's name has at most 255 bytes. */
const mostHeaderBytes = 4_096

function firstLine(path: string): Buffer {
  const file = openRegularAtOnce(path)
  try {
    const bytes = Buffer.allocUnsafe(mostHeaderBytes)
    const read = readSync(file, bytes, 0, bytes.length, 0)
    const end = bytes.subarray(0, read).indexOf(lineFeed)
    return bytes.subarray(0, end === -1 ? read : end + 1)
  } finally {
    closeSync(file)
  }
}

async function firstUnpackedLine(path: string): Promise<Buffer | undefined> {
  try {
    for await (const lines of linesOf(path)) if (lines[0] !== undefined) return lines[0]
  } catch (error) {
    if (!(error instanceof DamagedArchive)) throw error
  }
  return undefined
}

const lineFeed = 0x0a
