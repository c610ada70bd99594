import { canonicalLine } from './canonical.ts'

/** The signed state of a segment, and where it was read. */
export interface Checkpoint {
  readonly folder: string
  readonly step: number
  /** The last group that was sealed. */
  readonly group: number
  readonly bytes: number
  readonly records: number
  /** The last line of the index that its process knew. */
  readonly index: number
  readonly time: number
  readonly mac: string
  /** The line without its MAC, as it was signed. */
  readonly signed: string
  readonly file: string
  readonly line: number
}

/** A checkpoint as it was read. `signed` is there only if it is not what the other members make: then we did not write it. */
export type FoundCheckpoint = Omit<Checkpoint, 'signed'> & { readonly signed: string | undefined }

/** The checkpoints of one segment, in the order of their groups. */
export interface SegmentCheckpoints {
  readonly length: number
  readonly at: (position: number) => Checkpoint | undefined
}

const numbers = ['group', 'bytes', 'records', 'index', 'time'] as const
const [groupAt, lineAt, fileAt, macAt, rowBytes] = [0, 40, 44, 48, 80]
const rowsOfChunk = 1_024

/**
 * Every checkpoint that was found, each in 80 bytes and not as an object of some 500: of a busy year there are tens of millions, and a verification
 * looks at each. What we did not write, whose signature will not fit, is held as it is.
 */
export class HeldCheckpoints {
  readonly #chunks: Buffer[] = []
  readonly #others = new Map<number, FoundCheckpoint>()
  readonly #files: string[] = []
  readonly #rows = new Map<string, Map<number, number[]>>()
  #length = 0

  add(found: FoundCheckpoint): void {
    const row = this.#length++
    if (row % rowsOfChunk === 0) this.#chunks.push(Buffer.allocUnsafeSlow(rowsOfChunk * rowBytes))
    if (this.#files.at(-1) !== found.file) this.#files.push(found.file)
    this.#write(row, found)
    if (found.signed !== undefined || this.#macOf(row) !== found.mac) this.#others.set(row, found)
    this.#rowsOf(found).push(row)
  }

  /** Of the segments of one folder, by step. */
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
    bytes.write(found.mac, start + macAt, rowBytes - macAt, 'base64url')
  }

  #checkpoint(folder: string, step: number, row: number): Checkpoint {
    const [bytes, start] = this.#place(row)
    const [group = 0, size = 0, records = 0, index = 0, time = 0] = numbers.map((_, position) => this.#number(row, 8 * position))
    const ours = { bytes: size, folder, group, index, kind: 'checkpoint', records, step, time, v: 1 }
    const { mac, signed = canonicalLine(ours) } = this.#others.get(row) ?? { mac: this.#macOf(row), signed: undefined }
    const file = this.#files[bytes.readUInt32LE(start + fileAt)] ?? ''
    const line = bytes.readUInt32LE(start + lineAt)
    return { folder, step, group, bytes: size, records, index, time, mac, signed, file, line }
  }

  #number(row: number, offset: number): number {
    const [bytes, start] = this.#place(row)
    return bytes.readDoubleLE(start + offset)
  }

  #macOf(row: number): string {
    const [bytes, start] = this.#place(row)
    return bytes.toString('base64url', start + macAt, start + rowBytes)
  }

  #place(row: number): readonly [bytes: Buffer, start: number] {
    return [this.#chunks[Math.floor(row / rowsOfChunk)] ?? Buffer.alloc(0), (row % rowsOfChunk) * rowBytes]
  }
}
