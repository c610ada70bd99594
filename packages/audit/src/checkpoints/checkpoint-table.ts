import { Problems } from './audit-problem.ts'
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
export type FoundCheckpoint = Omit<Checkpoint, 'signed'> & { readonly signed: string | undefined }

/** The checkpoints of one segment, by group. */
export interface SegmentCheckpoints {
  readonly length: number
  readonly at: (position: number) => Checkpoint | undefined
}

const numbers = ['group', 'bytes', 'records', 'index', 'time'] as const
const hashes = ['mac', 'seals', 'head'] as const
const [groupAt, lineAt, fileAt, hashesAt, hashBytes, rowBytes] = [0, 40, 44, 48, 32, 144]
const rowsOfChunk = 1_024
const mostProblems = 100

/**
 * Packs each checkpoint into 144 bytes; an object takes some 700, and a busy year has tens of
 * millions. Lines that we did not write are kept as objects.
 */
export class CheckpointTable {
  readonly #chunks: Buffer[] = []
  readonly #others = new Map<number, FoundCheckpoint>()
  readonly #files: string[] = []
  readonly #rows = new Map<string, Map<number, number[]>>()
  readonly #refused = new Map<string, Problems>()
  #length = 0

  add(found: FoundCheckpoint): void {
    const row = this.#length++
    if (row % rowsOfChunk === 0) this.#chunks.push(Buffer.allocUnsafeSlow(rowsOfChunk * rowBytes))
    if (this.#files.at(-1) !== found.file) this.#files.push(found.file)
    this.#write(row, found)
    const isOurs = found.signed === undefined && hashes.every((member, at) => this.#hash(row, at) === found[member])
    if (!isOurs) this.#others.set(row, found)
    this.#rowsOf(found).push(row)
  }

  /** Its signature is not of the required key. */
  refuse({ folder, file, line }: FoundCheckpoint): void {
    const refused = this.#refused.get(folder) ?? new Problems(mostProblems)
    refused.add({ what: 'edited', file, line, explanation: 'the checkpoint was not signed with the private key of `checkpointKey`' })
    this.#refused.set(folder, refused)
  }

  refusedOf(folder: string): Problems {
    return this.#refused.get(folder) ?? new Problems(mostProblems)
  }

  /** The checkpoints of one folder, by epoch. */
  of(folder: string): ReadonlyMap<number, SegmentCheckpoints> {
    const steps = [...(this.#rows.get(folder) ?? [])]
    return new Map(steps.map(([step, rows]) => [step, this.#segment(folder, step, this.#sorted(rows))]))
  }

  #segment(folder: string, step: number, rows: readonly number[]): SegmentCheckpoints {
    return {
      length: rows.length,
      at: (position) => {
        const row = rows[position]
        return row === undefined ? undefined : this.#checkpoint(folder, step, row)
      },
    }
  }

  #sorted(rows: readonly number[]): readonly number[] {
    return rows.toSorted((one, other) => this.#number(one, groupAt) - this.#number(other, groupAt))
  }

  #rowsOf({ folder, step }: FoundCheckpoint): number[] {
    const steps = this.#rows.get(folder) ?? new Map<number, number[]>()
    const rows = steps.get(step) ?? []
    this.#rows.set(folder, steps.set(step, rows))
    return rows
  }

  #write(row: number, found: FoundCheckpoint): void {
    const [bytes, start] = this.#place(row)
    for (const [position, member] of numbers.entries()) bytes.writeDoubleLE(found[member], start + 8 * position)
    bytes.writeUInt32LE(found.line, start + lineAt)
    bytes.writeUInt32LE(this.#files.length - 1, start + fileAt)
    for (const [at, member] of hashes.entries()) bytes.write(found[member], start + hashesAt + at * hashBytes, hashBytes, 'base64url')
  }

  #checkpoint(folder: string, step: number, row: number): Checkpoint {
    const [bytes, start] = this.#place(row)
    const [group = 0, size = 0, records = 0, index = 0, time = 0] = numbers.map((_, position) => this.#number(row, 8 * position))
    const file = this.#files[bytes.readUInt32LE(start + fileAt)] ?? ''
    const where = { file, line: bytes.readUInt32LE(start + lineAt) }
    const [mac, seals, head] = [this.#hash(row, 0), this.#hash(row, 1), this.#hash(row, 2)]
    const state = { folder, step, group, bytes: size, records, index, time, seals, head }
    const other = this.#others.get(row)
    if (other !== undefined) return { ...other, signed: other.signed ?? signedText(other) }
    return { ...state, mac, signed: signedText(state), ...where }
  }

  #number(row: number, offset: number): number {
    const [bytes, start] = this.#place(row)
    return bytes.readDoubleLE(start + offset)
  }

  #hash(row: number, at: number): string {
    const [bytes, start] = this.#place(row)
    const from = start + hashesAt + at * hashBytes
    return bytes.toString('base64url', from, from + hashBytes)
  }

  #place(row: number): readonly [bytes: Buffer, start: number] {
    return [this.#chunks[Math.floor(row / rowsOfChunk)] ?? Buffer.alloc(0), (row % rowsOfChunk) * rowBytes]
  }
}
