import { lstat, open, stat } from 'node:fs/promises'
import type { AuditRecord } from '@finchat/secrets-core'
import { asRecord, asSeal, looksLikeSeal, type Seal } from './segment-format.ts'
import { DamagedArchive, isCompressed, mostUnpackedBytes, unpackedChunks } from './gzip-file.ts'

/** What stands between two seals of a segment. */
export interface SegmentGroup {
  /** The number of its first line in the file, from 1. */
  readonly firstLine: number
  /** The lines before the seal, each with its line feed (the last of a torn file has none): in the first group the header, then records. */
  readonly lines: readonly Buffer[]
  /** `undefined`: no seal follows, or its line is none, or there are more lines than any group has. */
  readonly seal: Seal | undefined
  /** The seal's own line, with its line feed; empty where there is none. */
  readonly sealLine: Buffer
  /** The offset in the file behind this group. */
  readonly endsAt: number
}

export const indexFile = 'index.jsonl'

/**
 * No group that we write has more records, nor a line more bytes (nine texts of 16,384 characters, each six bytes in JSON at most); a reader need not hold
 * more of a file that somebody else wrote.
 */
export const maxGroupRecords = 64
const maxLineBytes = 1024 * 1024

const chunkBytes = 256 * 1024
const lineFeed = 0x0a

/** Of what is there: a pipe is none, nor a link that leads nowhere. Whoever opens one may wait for ever. */
export async function isRegularFile(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => lstat(path))
  return found.isFile()
}

/**
 * The groups of a segment, in order, as they stand in the file: nothing is checked here. Memory is
 * bounded, whatever the file holds. The last group may have no seal: a torn tail, or what a live
 * process is writing. A compressed file (`.gz`) is unpacked as it is read, and throws
 * `DamagedArchive` where it is damaged or has more than `mostBytes`.
 */
export async function* readSegment(path: string, mostBytes: number = mostUnpackedBytes): AsyncGenerator<SegmentGroup> {
  let group: Buffer[] = []
  let [firstLine, endsAt] = [1, 0]
  const cut = (seal?: Seal, sealLine: Buffer = Buffer.alloc(0)): SegmentGroup => {
    const complete = { firstLine, lines: group, seal, sealLine, endsAt }
    firstLine += group.length + (sealLine.length > 0 ? 1 : 0)
    group = []
    return complete
  }
  try {
    for await (const lines of linesOf(path, mostBytes)) {
      for (const line of lines) {
        endsAt += line.length
        if (looksLikeSeal(line)) yield cut(isWhole(line) ? asSeal(line) : undefined, line)
        else if (group.push(line) > maxGroupRecords + 1) yield cut()
      }
    }
  } catch (error) {
    if (error instanceof DamagedArchive && group.length > 0) yield cut()
    throw error
  }
  if (group.length > 0) yield cut()
}

/**
 * Whether there are zeros in the lines, or the seal, of which text has none. A power cut may leave them, behind all that was acknowledged, where a part of
 * what was being written had not come to the disk, and what stands behind them had.
 */
export function hasUnwritten({ lines, sealLine }: SegmentGroup): boolean {
  return sealLine.includes(0) || lines.some((line) => line.includes(0))
}

/** The records of a group; a line that is none is left out. */
export function recordsOf({ lines }: SegmentGroup): readonly AuditRecord[] {
  return lines.map(asRecord).filter((record) => record !== undefined)
}

/** A file's lines with their line feeds, a chunk's worth at a time; a longer line than any of ours comes in pieces. */
export async function* linesOf(path: string, mostBytes: number = mostUnpackedBytes): AsyncGenerator<readonly Buffer[]> {
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of isCompressed(path) ? unpackedChunks(path, mostBytes) : chunksOf(path)) {
    const text = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    const lines = splitLines(text)
    rest = text.subarray(lines.reduce((sum, line) => sum + line.length, 0))
    if (rest.length <= maxLineBytes) yield lines
    else {
      yield [...lines, rest]
      rest = Buffer.alloc(0)
    }
  }
  if (rest.length > 0) yield [rest]
}

/** The content of a file, as it stands there. */
async function* chunksOf(path: string): AsyncGenerator<Buffer> {
  const file = await open(path, 'r')
  try {
    for (;;) {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(chunkBytes), 0, chunkBytes)
      if (bytesRead === 0) return
      yield buffer.subarray(0, bytesRead)
    }
  } finally {
    await file.close()
  }
}

function isWhole(line: Buffer): boolean {
  return line.at(-1) === lineFeed
}

function splitLines(text: Buffer): Buffer[] {
  const lines: Buffer[] = []
  for (let start = 0, end: number; (end = text.indexOf(lineFeed, start)) !== -1; start = end + 1) lines.push(text.subarray(start, end + 1))
  return lines
}
