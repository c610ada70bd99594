import { readdir, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { loadCrypto } from '@finchat/secrets-core/provider'
import { keyFile } from './folder-key.ts'
import { asHeader, type SegmentHeader } from './segment-format.ts'
import { indexFile, isRegularFile, linesOf, readSegment } from './segment-reader.ts'
import { DamagedArchive, isCompressed } from './gzip-file.ts'

/** A possible segment, wherever it was moved within the folder. */
export interface SegmentFile {
  readonly path: string
  /** `undefined`: the file does not begin as a segment. */
  readonly header: SegmentHeader | undefined
  /** Anything else is never opened. */
  readonly isFile: boolean
  readonly isEmpty: boolean
}

/** A file that no segment is read from. */
export interface LeftOutFile extends SegmentFile {
  /** The segment that it claims to be. */
  readonly step: number | undefined
}

export interface SortedFiles {
  readonly segments: ReadonlyMap<number, string>
  readonly leftOut: readonly LeftOutFile[]
}

/** All files with `.jsonl` in their names but the index, by epoch. */
export async function segmentFiles(folder: string): Promise<readonly SegmentFile[]> {
  const names = (await readdir(folder)).filter((name) => name.includes('.jsonl') && name !== indexFile).toSorted()
  const files: SegmentFile[] = []
  for (const name of names) files.push(await segmentFile(join(folder, name)))
  return files.toSorted(byStep)
}

export function byStep(one: SegmentFile, other: SegmentFile): number {
  return (one.header?.step ?? Infinity) - (other.header?.step ?? Infinity) || 0
}

/** The folder's first key, sealed for the auditor. */
export const auditorKeyFile = 'auditor-key.json'

/** A lock that is held has a journal beside it. */
const ours = /^(folder|segment-\d{8,})\.lock(-journal)?$/

/** Names of files that neither belong to the trail nor may be segments. */
export async function foreignNames(folder: string): Promise<readonly string[]> {
  const known = [indexFile, auditorKeyFile, keyFile, `${keyFile}.new`]
  return (await readdir(folder)).filter((name) => !name.includes('.jsonl') && !known.includes(name) && !ours.test(name)).toSorted()
}

/** The epoch in the name of a segment, compressed or not. */
export function stepOfName(path: string): number | undefined {
  const digits = /^segment-(\d{8,16})\.jsonl(\.gz)?$/.exec(basename(path))?.[1]
  return digits === undefined ? undefined : Number(digits)
}

/**
 * Assigns a file to each opened segment: by name and header, else by name with a damaged header.
 * Else by header, since segments may be moved. Else by name, since log rotation may leave an empty
 * file. The others are copies or foreign.
 */
export function sortedFiles(
  files: readonly SegmentFile[],
  isOurs: (header: SegmentHeader) => boolean,
  isOpened: (step: number) => boolean,
): SortedFiles {
  const segments = new Map<number, string>()
  let left = files
  const byHeader = ({ header }: SegmentFile): number | undefined => (header !== undefined && isOurs(header) ? header.step : undefined)
  const byName = ({ path, isFile }: SegmentFile): number | undefined => (isFile ? stepOfName(path) : undefined)
  const byBoth = (file: SegmentFile): number | undefined => (byHeader(file) === byName(file) ? byName(file) : undefined)
  const damaged = (file: SegmentFile): number | undefined => (byHeader(file) === undefined && !file.isEmpty ? byName(file) : undefined)
  for (const stepOf of [byBoth, damaged, byHeader, byName]) {
    left = left.filter((file) => {
      const step = stepOf(file)
      if (step === undefined || segments.has(step) || !isOpened(step)) return true
      segments.set(step, file.path)
      return false
    })
  }
  return { segments, leftOut: left.map((file) => ({ ...file, step: byHeader(file) ?? stepOfName(file.path) })) }
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

async function segmentFile(path: string): Promise<SegmentFile> {
  const isThere = await isRegularFile(path)
  const header = isThere ? await headerOf(path) : undefined
  return { path, header, isFile: isThere, isEmpty: isThere && header === undefined && (await stat(path)).size === 0 }
}

async function headerOf(path: string): Promise<SegmentHeader | undefined> {
  try {
    for await (const { lines } of readSegment(path)) return lines[0] && asHeader(lines[0])
  } catch (error) {
    if (!(error instanceof DamagedArchive) || !isCompressed(path)) throw error
  }
  return undefined
}
