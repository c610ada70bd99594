import { hashAt, packHash, PackedRows, StepNumbers } from '../tables/packed-rows.ts'
import type { SignatureVerifier } from '../keys/signature.ts'
import { type CheckpointState, signedText } from '../format/checkpoint-line.ts'

/** A signed state of a segment, and where it was read. */
export interface Checkpoint extends CheckpointState {
  readonly mac: string
  /** The line without MAC and signature. */
  readonly signed: string
  readonly file: string
  readonly line: number
}

/** `signed` is present only if it differs from what the other members make, as in a forged line. */
export type FoundCheckpoint = Omit<Checkpoint, 'signed'> & { readonly signed: string | undefined; readonly signature: unknown }

/** The checkpoints of one segment, by group. */
export interface SegmentCheckpoints {
  readonly length: number
  readonly at: (position: number) => Checkpoint | undefined
}

const numbers = ['step', 'group', 'bytes', 'records', 'index', 'time'] as const
const hashes = ['mac', 'seals', 'head'] as const
const [stepAt, groupAt, indexAt] = [0, 8, 32]
const [lineAt, fileAt, otherAt, signatureAt, hashesAt, hashBytes] = [48, 52, 56, 60, 64, 32]
const [signatureBytes, rowBytes] = [64, 160]
const mostListed = 100
/** Those of a trail, and of others that send checkpoints to the same place. */
const mostOtherFolders = 100_000

export interface TableLimits {
  /** So many are held before some are dropped. */
  readonly most: number
  /** So many of one segment are kept then, or fewer. */
  readonly mostOfSegment: number
}

const usualLimits: TableLimits = { most: 16_384, mostOfSegment: 64 }

export interface TableOptions {
  /** Only checkpoints that it accepts count. */
  readonly verifier?: SignatureVerifier | undefined
  /** The id of the first folder of the trail. */
  readonly trail?: string | undefined
  readonly limits?: TableLimits
}

/**
 * The checkpoints of one folder, in bounded memory: a process that is always busy sends thirty
 * million in a year. Of too many the last of each segment stays, since it proves what the others of
 * its segment do, and some that are spread evenly over them. One takes 160 bytes, as an object some
 * 700; lines that we did not write are kept as objects.
 */
export class CheckpointTable {
  readonly #folder: string
  readonly #verifier: SignatureVerifier | undefined
  readonly #limits: TableLimits
  readonly #rows: PackedRows
  readonly #others = new Map<number, FoundCheckpoint>()
  readonly #files: string[] = []
  readonly #trail: string | undefined
  /** The folders of checkpoints that were ignored. */
  readonly otherFolders: Set<string> = new Set()
  /** Those of them that are of this trail, as their checkpoints say. */
  readonly laterFolders: Set<string> = new Set()
  #room: number
  #otherCount = 0

  constructor(folder: string, { verifier, trail, limits = usualLimits }: TableOptions = {}) {
    this.#folder = folder
    this.#trail = trail
    this.#verifier = verifier
    this.#limits = limits
    this.#room = limits.most
    this.#rows = new PackedRows(verifier === undefined ? rowBytes : rowBytes + signatureBytes)
  }

  /** Ignores those of other folders. */
  add(found: FoundCheckpoint): void {
    if (found.folder !== this.#folder) return this.#ignore(found)
    if (this.#rows.length >= this.#room) this.#thin()
    if (this.#files.at(-1) !== found.file) this.#files.push(found.file)
    this.#write(this.#rows.at(this.#rows.add()), found)
  }

  #ignore(found: FoundCheckpoint): void {
    const { folder, trail } = found
    if (this.otherFolders.size < mostOtherFolders) this.otherFolders.add(folder)
    if (trail === undefined || trail !== this.#trail || this.laterFolders.has(folder)) return
    if (this.laterFolders.size < mostOtherFolders && this.#accepts(found)) this.laterFolders.add(folder)
  }

  #accepts(found: FoundCheckpoint): boolean {
    const { signed = signedText(found), signature } = found
    return this.#verifier === undefined || (typeof signature === 'string' && this.#verifier(signed, signature))
  }

  /** What checkpoints of this folder say of the trail. */
  get #ownTrail(): string | undefined {
    return this.#trail === this.#folder ? undefined : this.#trail
  }

  /** To be called once all were added. */
  held(): HeldCheckpoints {
    const refused: RefusedCheckpoints = { list: [], count: 0 }
    const rows = this.#sorted().filter((row) => this.#isSigned(row, refused))
    return new HeldCheckpoints(
      rows,
      { numberOf: (row, at) => this.#number(row, at), checkpointOf: (row) => this.#checkpoint(row) },
      refused,
    )
  }

  #isSigned(row: number, refused: RefusedCheckpoints): boolean {
    if (this.#verifier === undefined) return true
    const [{ signed, file, line }, bytes] = [this.#checkpoint(row), this.#rows.at(row)]
    const signature = bytes.toString('base64url', rowBytes, rowBytes + signatureBytes)
    if (bytes[signatureAt] === 1 && this.#verifier(signed, signature)) return true
    if (refused.count++ < mostListed) refused.list.push({ file, line })
    return false
  }

  /** By segment and group. */
  #sorted(): number[] {
    const difference = (one: number, other: number, at: number): number => this.#number(one, at) - this.#number(other, at)
    const order = (one: number, other: number): number =>
      difference(one, other, stepAt) || difference(one, other, groupAt) || difference(one, other, indexAt)
    return Array.from({ length: this.#rows.length }, (_, row) => row).toSorted(order) // fast where most are in order
  }

  #thin(): void {
    const sorted = this.#sorted()
    let { mostOfSegment } = this.#limits
    let kept = this.#spread(sorted, mostOfSegment)
    while (kept.length > this.#limits.most / 2 && mostOfSegment > 1)
      kept = this.#spread(sorted, (mostOfSegment = Math.floor(mostOfSegment / 2)))
    this.#rows.keep(kept.toSorted((one, other) => one - other))
    const others = new Set(kept.map((_, row) => this.#rows.at(row).readUInt32LE(otherAt)))
    for (const other of this.#others.keys()) if (!others.has(other)) this.#others.delete(other)
    this.#room = Math.max(this.#limits.most, Math.ceil(1.25 * kept.length))
  }

  /** The last of each segment, and others evenly. */
  #spread(sorted: readonly number[], mostOfSegment: number): number[] {
    const kept: number[] = []
    for (let start = 0, end = 1; start < sorted.length; start = end++) {
      const step = this.#number(sorted[start] ?? 0, stepAt)
      while (end < sorted.length && this.#number(sorted[end] ?? 0, stepAt) === step) end++
      const stays = Math.min(end - start, mostOfSegment)
      for (let one = 1; one <= stays; one++) kept.push(sorted[start + Math.ceil((one * (end - start)) / stays) - 1] ?? 0)
    }
    return kept
  }

  #write(bytes: Buffer, found: FoundCheckpoint): void {
    for (const [position, member] of numbers.entries()) bytes.writeDoubleLE(found[member], 8 * position)
    bytes.writeUInt32LE(found.line, lineAt)
    bytes.writeUInt32LE(this.#files.length - 1, fileAt)
    const arePacked = hashes.map((member, at) => packHash(bytes, hashesAt + at * hashBytes, found[member]))
    const isOurs = found.signed === undefined && found.trail === this.#ownTrail && !arePacked.includes(false)
    bytes.writeUInt32LE(isOurs ? 0 : ++this.#otherCount, otherAt)
    if (!isOurs) this.#others.set(this.#otherCount, found)
    if (this.#verifier !== undefined) writeSignature(bytes, found.signature)
  }

  #checkpoint(row: number): Checkpoint {
    const bytes = this.#rows.at(row)
    const other = this.#others.get(bytes.readUInt32LE(otherAt))
    if (other !== undefined) {
      const { signature: _, ...checkpoint } = other
      return { ...checkpoint, signed: other.signed ?? signedText(other) }
    }
    const [step = 0, group = 0, size = 0, records = 0, index = 0, time = 0] = numbers.map((__, position) =>
      bytes.readDoubleLE(8 * position),
    )
    const where = { file: this.#files[bytes.readUInt32LE(fileAt)] ?? '', line: bytes.readUInt32LE(lineAt) }
    const [mac = '', seals = '', head = ''] = hashes.map((__, at) => hashAt(bytes, hashesAt + at * hashBytes))
    const state = { folder: this.#folder, step, group, bytes: size, records, index, time, trail: this.#ownTrail, seals, head }
    return { ...state, mac, signed: signedText(state), ...where }
  }

  #number(row: number, offset: number): number {
    return this.#rows.number(row, offset)
  }
}

/** Another encoding of the same bytes is no signature of ours. */
function writeSignature(bytes: Buffer, signature: unknown): void {
  const text = typeof signature === 'string' ? signature : ''
  bytes.fill(0, rowBytes)
  bytes.write(text, rowBytes, signatureBytes, 'base64url')
  bytes[signatureAt] = bytes.toString('base64url', rowBytes, rowBytes + signatureBytes) === text ? 1 : 0
}

/** Those without the signature that is required. */
export interface RefusedCheckpoints {
  /** Where the first ones were read. */
  readonly list: Pick<Checkpoint, 'file' | 'line'>[]
  count: number
}

interface RowReader {
  readonly numberOf: (row: number, at: number) => number
  readonly checkpointOf: (row: number) => Checkpoint
}

/** The checkpoints that a verification compares, by segment. */
export class HeldCheckpoints {
  readonly refused: RefusedCheckpoints
  readonly #rows: readonly number[]
  readonly #reader: RowReader
  /** The position of each segment's first. */
  readonly #starts = new StepNumbers()
  readonly #steps: number[] = []

  constructor(rows: readonly number[], reader: RowReader, refused: RefusedCheckpoints) {
    this.#rows = rows
    this.#reader = reader
    this.refused = refused
    for (const [position, row] of rows.entries()) {
      const step = reader.numberOf(row, stepAt)
      if (this.#starts.get(step) !== undefined) continue
      this.#starts.set(step, position)
      this.#steps.push(step)
    }
  }

  get count(): number {
    return this.#rows.length
  }

  /** The segments, in ascending order. */
  get steps(): readonly number[] {
    return this.#steps
  }

  /** The lines of the index that they name. */
  *lines(): Generator<number> {
    for (const row of this.#rows) yield this.#reader.numberOf(row, indexAt)
  }

  get(step: number): SegmentCheckpoints | undefined {
    const start = this.#starts.get(step)
    if (start === undefined) return undefined
    const isOfSegment = (row: number | undefined): row is number => row !== undefined && this.#reader.numberOf(row, stepAt) === step
    let length = 0
    while (isOfSegment(this.#rows[start + length])) length++
    return {
      length,
      at: (position) => {
        const row = position < length ? this.#rows[start + position] : undefined
        return row === undefined ? undefined : this.#reader.checkpointOf(row)
      },
    }
  }
}
