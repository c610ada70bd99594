import { lstat, stat } from 'node:fs/promises'
import type { AuditRecord } from '@finchat/secrets-core'
import { asRecord, asSeal, looksLikeSeal, maxGroupRecords, type Seal } from './segment-format.ts'
import { DamagedArchive, isCompressed, mostUnpackedBytes, unpackedChunks } from './gzip-file.ts'
import { openRegular } from './open-regular.ts'

/** The lines between two seals. */
export interface SegmentGroup {
  /** The number of its first line, from 1. */
  readonly firstLine: number
  /** Each with its line feed, if it has one. The first group begins with the header. */
  readonly lines: readonly Buffer[]
  /** `undefined` without a valid seal, or if there are more lines than a group has. */
  readonly seal: Seal | undefined
  /** Empty without a seal. */
  readonly sealLine: Buffer
  /** The offset behind the group. */
  readonly endsAt: number
}

export const indexFile = 'index.jsonl'

/** Of what we write: a line has at most nine texts of 16,384 characters, each six bytes in JSON. */
const maxLineBytes = 1024 * 1024

const chunkBytes = 256 * 1024
const lineFeed = 0x0a

/** Opening a pipe may block for ever. */
export async function isRegularFile(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => lstat(path))
  return found.isFile()
}

/**
 * The groups of a segment as they stand in the file, unverified, in bounded memory. The last one
 * may lack a seal: a torn tail, or a write under way. Throws `DamagedArchive` where a compressed
 * file (`.gz`) is damaged or exceeds `mostBytes`.
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
 * A power cut may leave zeros where a part of the last write had not reached the disk. Text has
 * none.
 */
export function hasUnwritten({ lines, sealLine }: SegmentGroup): boolean {
  return sealLine.includes(0) || lines.some((line) => line.includes(0))
}

/** Skips lines that are not records. */
export function recordsOf({ lines }: SegmentGroup): readonly AuditRecord[] {
  return lines.map(asRecord).filter((record) => record !== undefined)
}

/**
 * A file's lines with their line feeds, chunk by chunk. A line that is too long comes in pieces.
 */
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

async function* chunksOf(path: string): AsyncGenerator<Buffer> {
  const file = await openRegular(path)
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
