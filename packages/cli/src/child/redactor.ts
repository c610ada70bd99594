import { formsOf } from '../scan/forms.ts'
import { PieceIndex } from './piece-index.ts'

/** A value that must not be shown. */
export interface SecretText {
  readonly name: string
  readonly bytes: Uint8Array
}

/** Shorter values, such as `true`, would ruin the output. */
export const leastRedactedBytes = 6
/** Longer forms are looked for in overlapping pieces: so a part of one is found too, and little is held back. */
const pieceBytes = 128
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

/**
 * Replaces values in a stream of bytes, wherever chunks are cut: as they are, in each form that `scan`
 * knows, and each line of a value with several.
 */
export class Redactor {
  readonly #pieces = new PieceIndex()
  /** What is not decided yet. */
  #data: Buffer = Buffer.alloc(0)
  #runs: Run[] = []
  #continued: Run | undefined
  /** How many bytes of it were shown before they were decided. */
  #released = 0

  constructor(values: readonly SecretText[]) {
    this.learn(values)
  }

  /** Also these, from now on. */
  learn(values: readonly SecretText[]): void {
    for (const { name, bytes } of values)
      for (const form of writtenForms(bytes)) for (const piece of piecesOf(form)) this.#pieces.add({ name, bytes: piece })
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
    this.#pieces.search(data, (at, { name, bytes: { length } }) => {
      if (at + length <= data.length) this.#cover(at, at + length, name)
      else undecided = Math.min(undecided, at)
    })
    return Math.min(undecided, this.#pieces.beginningAtEnd(data))
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

function writtenForms(value: Uint8Array): Buffer[] {
  const lines = linesOf(Buffer.from(value))
  const parts = [value, ...lines].filter(isLongEnough)
  return parts.flatMap((part) => formsOf(part, Infinity).map(({ bytes }) => bytes)).filter(isLongEnough)
}

function isLongEnough({ length }: Uint8Array): boolean {
  return length >= leastRedactedBytes
}

/** A program may show a key of several lines one by one. */
function linesOf(value: Buffer): Buffer[] {
  const lines: Buffer[] = []
  for (let start = 0; start <= value.length;) {
    const found = value.indexOf(lineFeed, start)
    const end = found === -1 ? value.length : found
    lines.push(value.subarray(start, value[end - 1] === carriageReturn ? end - 1 : end))
    start = end + 1
  }
  return lines.length > 1 ? lines.filter(isTelling) : []
}

/** A shorter line may be anybody's, and the borders of a PEM file are in every such file. */
function isTelling(line: Buffer): boolean {
  return line.length >= leastLineBytes && !line.subarray(0, dashes.length).equals(dashes)
}

const leastLineBytes = 12
const dashes = Buffer.from('-----')

const [lineFeed, carriageReturn] = [10, 13]

function piecesOf(form: Buffer): Buffer[] {
  if (form.length <= pieceBytes) return [form]
  const pieces: Buffer[] = []
  for (let start = 0; start + pieceBytes < form.length; start += pieceBytes / 2) pieces.push(form.subarray(start, start + pieceBytes))
  return [...pieces, form.subarray(-pieceBytes)]
}
