import { formsOf } from '../forms/forms.ts'
import { PieceIndex } from './piece-index.ts'

/** A value that must not be shown. */
export interface SecretText {
  readonly name: string
  readonly bytes: Uint8Array
  /** It stands in the value of that name. */
  readonly isPart?: boolean
}

/** Shorter values, such as `true`, would ruin the output. */
export const leastRedactedBytes = 6
/** Longer forms are looked for in overlapping pieces: so a part of one is found too, and little is held back. */
const pieceBytes = 128

/**
 * Values that no output may show, which others may join: as they are, in each form that `scan` knows,
 * and each line of a value with several.
 */
export class RedactedValues {
  readonly pieces: PieceIndex = new PieceIndex()
  /** By a value: under one name. */
  readonly #known = new Set<string>()

  constructor(values: readonly SecretText[] = []) {
    this.learn(values)
  }

  learn(values: readonly SecretText[]): void {
    for (const { name, bytes } of values) {
      const key = `${name} ${Buffer.from(bytes).toString('latin1')}`
      if (this.#known.has(key)) continue
      this.#known.add(key)
      for (const form of writtenForms(bytes)) for (const part of partsOf(form)) this.pieces.add({ name, bytes: part })
    }
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

/** A long form in parts that overlap. */
function partsOf(form: Buffer): Buffer[] {
  if (form.length <= pieceBytes) return [form]
  const pieces: Buffer[] = []
  for (let start = 0; start + pieceBytes < form.length; start += pieceBytes / 2) pieces.push(form.subarray(start, start + pieceBytes))
  return [...pieces, form.subarray(-pieceBytes)]
}
