const rowsOfChunk = 1_024
const hashBytes = 32

/** Rows of equal length, in memory that grows by chunks: an object for each takes several times as much. */
export class PackedRows {
  readonly #rowBytes: number
  readonly #chunks: Buffer[] = []
  #length = 0

  constructor(rowBytes: number) {
    this.#rowBytes = rowBytes
  }

  get length(): number {
    return this.#length
  }

  /** Returns the new row's number. Its bytes are undefined. */
  add(): number {
    if (this.#length === this.#chunks.length * rowsOfChunk) this.#chunks.push(Buffer.allocUnsafeSlow(rowsOfChunk * this.#rowBytes))
    return this.#length++
  }

  at(row: number): Buffer {
    const start = (row % rowsOfChunk) * this.#rowBytes
    return this.#chunk(row).subarray(start, start + this.#rowBytes)
  }

  /** The number that stands at this offset of a row. */
  number(row: number, at: number): number {
    return this.#chunk(row).readDoubleLE((row % rowsOfChunk) * this.#rowBytes + at)
  }

  /** Keeps these rows, which ascend, and numbers them anew. */
  keep(rows: readonly number[]): void {
    for (const [to, from] of rows.entries()) if (to !== from) this.at(to).set(this.at(from))
    this.#length = rows.length
  }

  #chunk(row: number): Buffer {
    const chunk = this.#chunks[Math.floor(row / rowsOfChunk)]
    if (chunk === undefined) throw new RangeError('there is no such row')
    return chunk
  }
}

/** A number by epoch. Epochs may be skipped. */
export class StepNumbers {
  readonly #chunks = new Map<number, Float64Array>()

  get(step: number): number | undefined {
    const found = this.#chunks.get(Math.floor(step / rowsOfChunk))?.[step % rowsOfChunk]
    return found === undefined || Number.isNaN(found) ? undefined : found
  }

  set(step: number, value: number): void {
    const number = Math.floor(step / rowsOfChunk)
    const chunk = this.#chunks.get(number) ?? new Float64Array(rowsOfChunk).fill(Number.NaN)
    chunk[step % rowsOfChunk] = value
    this.#chunks.set(number, chunk)
  }
}

/** Writes a hash as its bytes. `false` if text other than base64url of 32 bytes would be lost. */
export function packHash(row: Buffer, at: number, text: string): boolean {
  row.fill(0, at, at + hashBytes)
  row.write(text, at, hashBytes, 'base64url')
  return hashAt(row, at) === text
}

export function hashAt(row: Buffer, at: number): string {
  return row.toString('base64url', at, at + hashBytes)
}
