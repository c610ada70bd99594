import { closeSync, fstatSync, readSync, statSync } from 'node:fs'
import { lstat, stat } from 'node:fs/promises'
import { setImmediate } from 'node:timers/promises'
import type { AuditRecord } from '@finchat/secrets-core'
import { fileFailure } from '@finchat/secrets-core/provider'
import { asRecord, asSeal, looksLikeSeal, maxGroupRecords, type Seal } from './segment-format.ts'
import { DamagedArchive, isCompressed, mostUnpackedBytes, unpackedChunks } from '../disk/gzip-file.ts'
import { openRegular, openRegularAtOnce } from '../disk/open-regular.ts'

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
const smallBytes = 64 * 1024
/** A file may grow while it is read. */
const leastBytes = 4 * 1024
const lineFeed = 0x0a

/**
 * `at once`: a small file is read without a trip to the thread pool, of which four cost ten times as
 * much as the reading. Not in a service, whose disk may be slow.
 */
export type Reading = 'waiting' | 'at once'

/** Opening a pipe may block for ever. */
export async function isRegularFile(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => lstat(path))
  return found.isFile()
}

/** Whatever it is: a link may lead nowhere. */
export function isListed(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    (error: unknown) => {
      if (fileFailure(error) === 'missing') return false
      throw error
    },
  )
}

export function isRegularFileNow(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true
}

/**
 * The groups of a segment as they stand in the file, unverified, in bounded memory. The last one
 * may lack a seal: a torn tail, or a write under way. Throws `DamagedArchive` where a compressed
 * file (`.gz`) is damaged or exceeds `mostBytes`.
 */
export async function* readSegment(path: string, mostBytes: number = mostUnpackedBytes, reading?: Reading): AsyncGenerator<SegmentGroup> {
  let group: Buffer[] = []
  let [firstLine, endsAt] = [1, 0]
  const cut = (seal?: Seal, sealLine: Buffer = Buffer.alloc(0)): SegmentGroup => {
    const complete = { firstLine, lines: group, seal, sealLine, endsAt }
    firstLine += group.length + (sealLine.length > 0 ? 1 : 0)
    group = []
    return complete
  }
  try {
    for await (const lines of linesOf(path, mostBytes, reading)) {
      for (const line of lines) {
        endsAt += line.length
        if (looksLikeSeal(line)) yield cut(isWhole(line) ? asSeal(line) : undefined, line)
        else if (group.push(line) > maxGroupRecords + 1) yield cut()
      }
      group = group.map((line) => Buffer.from(line))
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
 * A file's lines with their line feeds, chunk by chunk. A line that is too long comes in pieces. What
 * is yielded is valid until the next is asked for: memory of its own for each chunk would grow the
 * process by fifty megabytes.
 */
export async function* linesOf(
  path: string,
  mostBytes: number = mostUnpackedBytes,
  reading: Reading = 'waiting',
): AsyncGenerator<readonly Buffer[]> {
  const small = reading === 'at once' && !isCompressed(path) ? await smallFile(path) : undefined
  if (small === undefined) yield* chunksOfLines(path, mostBytes)
  else yield linesIn(small)
}

async function* chunksOfLines(path: string, mostBytes: number): AsyncGenerator<readonly Buffer[]> {
  const lines = new LineSplitter()
  for await (const part of isCompressed(path) ? copiedInto(lines, unpackedChunks(path, mostBytes)) : readInto(lines, path)) yield part
  const rest = lines.rest()
  if (rest.length > 0) yield [rest]
}

function linesIn(content: Buffer): readonly Buffer[] {
  const lines = splitLines(content)
  const rest = content.subarray(lines.reduce((sum, line) => sum + line.length, 0))
  return rest.length === 0 ? lines : [...lines, rest]
}

async function* copiedInto(lines: LineSplitter, chunks: AsyncIterable<Buffer>): AsyncGenerator<readonly Buffer[]> {
  for await (const chunk of chunks) {
    lines.room(chunk.length).set(chunk)
    yield lines.take(chunk.length)
  }
}

async function* readInto(lines: LineSplitter, path: string): AsyncGenerator<readonly Buffer[]> {
  const file = await openRegular(path)
  try {
    const { size } = await file.stat()
    for (;;) {
      const room = lines.room(Math.min(Math.max(size, leastBytes), chunkBytes))
      const { bytesRead } = await file.read(room, 0, room.length)
      if (bytesRead === 0) return
      yield lines.take(bytesRead)
    }
  } finally {
    await file.close()
  }
}

/** `undefined` if it is large. Reads on the event loop, which gets its turn between files. */
async function smallFile(path: string): Promise<Buffer | undefined> {
  await turnOfOthers()
  const file = openRegularAtOnce(path)
  try {
    const { size } = fstatSync(file)
    if (size > smallBytes) return undefined
    const bytes = Buffer.allocUnsafe(size)
    let length = 0
    for (let read = -1; read !== 0 && length < size; length += read) read = readSync(file, bytes, length, size - length, length)
    return bytes.subarray(0, length)
  } finally {
    closeSync(file)
  }
}

const mostMsAtOnce = 10
let turnBeganAt = 0

async function turnOfOthers(): Promise<void> {
  if (performance.now() - turnBeganAt < mostMsAtOnce) return
  await setImmediate()
  turnBeganAt = performance.now()
}

/** Lines in memory that is used again for each chunk. */
class LineSplitter {
  #memory = Buffer.alloc(0)
  /** What stands behind the last line. */
  #start = 0
  #end = 0

  /** Where so many bytes are to be put, or more. Overwrites the lines that were taken. */
  room(bytes: number): Buffer {
    const rest = this.rest()
    if (rest.length + bytes > this.#memory.length) {
      this.#memory = Buffer.allocUnsafeSlow(rest.length + bytes)
      this.#memory.set(rest)
    } else this.#memory.copyWithin(0, this.#start, this.#end)
    ;[this.#start, this.#end] = [0, rest.length]
    return this.#memory.subarray(this.#end)
  }

  /** After so many bytes were put there. */
  take(bytes: number): readonly Buffer[] {
    this.#end += bytes
    const lines = splitLines(this.rest())
    this.#start += lines.reduce((sum, line) => sum + line.length, 0)
    const rest = this.rest()
    if (rest.length <= maxLineBytes) return lines
    this.#start = this.#end
    return [...lines, rest]
  }

  rest(): Buffer {
    return this.#memory.subarray(this.#start, this.#end)
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
