import type { RedactedValues } from './redacted-values.ts'

/** A longer run is shown as replaced before its end is known. */
const mostHeldBytes = 1_024
/** So much of a value may be shown before its rest came: it tells nothing, and a prompt may end in it. */
const mostReleasedBytes = 1

/** Bytes to be replaced: values that overlap are one run. */
interface Run {
  readonly from: number
  to: number
  readonly names: string[]
  /** Its beginning was shown as replaced. */
  readonly isContinued: boolean
}

/** Replaces values in a stream of bytes, wherever chunks are cut. */
export class Redactor {
  readonly #values: RedactedValues
  /** What is not decided yet. */
  #data: Buffer = Buffer.alloc(0)
  #runs: Run[] = []
  #continued: Run | undefined
  /** How many bytes of it were shown before they were decided. */
  #released = 0

  constructor(values: RedactedValues) {
    this.#values = values
  }

  /** What may be shown by now. It may share the memory of the chunk, which must not change. */
  push(chunk: Uint8Array): Buffer {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
    this.#data = this.#data.length === 0 ? bytes : Buffer.concat([this.#data, bytes])
    const undecided = this.#search()
    const open = this.#runs.find(({ to }) => to > undecided)
    const end = Math.min(undecided, open?.from ?? undecided)
    return this.#shown(undecided - end > mostHeldBytes ? undecided : end)
  }

  /** What may be shown although more may follow: nobody wrote for a while, and a prompt may wait. */
  release(): Buffer {
    if (this.#continued !== undefined || this.#data.length > mostReleasedBytes) return Buffer.alloc(0)
    const shown = this.#data.subarray(this.#released)
    this.#released = this.#data.length
    return shown
  }

  /** The rest, when nothing follows. */
  end(): Buffer {
    this.#search()
    return this.#shown(this.#data.length)
  }

  /** Returns from where a value may have begun whose rest is not there yet. */
  #search(): number {
    const data = this.#data
    this.#runs = this.#continued === undefined ? [] : [{ ...this.#continued }]
    let undecided = data.length
    this.#values.pieces.search(data, (at, { name, bytes: { length } }) => {
      if (at + length <= data.length) this.#cover(at, at + length, name)
      else undecided = Math.min(undecided, at)
    })
    return Math.min(undecided, this.#values.pieces.beginningAtEnd(data))
  }

  /** `from` never decreases. */
  #cover(from: number, to: number, name: string): void {
    const last = this.#runs.at(-1)
    if (last === undefined || from >= last.to) this.#runs.push({ from, to, names: [name], isContinued: false })
    else {
      last.to = Math.max(last.to, to)
      if (!last.names.includes(name)) last.names.push(name)
    }
  }

  #shown(end: number): Buffer {
    if (end === 0) return Buffer.alloc(0)
    const shown: Buffer[] = []
    let at = this.#released
    this.#continued = undefined
    for (const { from, to, names, isContinued } of this.#runs.filter((run) => run.from < end)) {
      shown.push(this.#data.subarray(at, Math.max(at, from)))
      if (!isContinued) shown.push(Buffer.from(`[redacted ${names.join(', ')}]`))
      if (to > end) this.#continued = { from: 0, to: to - end, names, isContinued: true }
      at = Math.max(at, Math.min(to, end))
    }
    shown.push(this.#data.subarray(at, Math.max(at, end)))
    this.#data = this.#data.subarray(end)
    this.#released = Math.max(0, this.#released - end)
    return shown.length === 1 ? (shown[0] ?? Buffer.alloc(0)) : Buffer.concat(shown)
  }
}
