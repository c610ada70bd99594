import { canonicalText } from './canonical.ts'
import { nameKeyBytes } from './sealed-name.ts'

/** A line of a file of name keys. */
export interface NameRow {
  readonly name: string
  readonly key: Buffer
}

/** A line of the file, and where it stands. `row`: absent if a process died while it wrote it. */
export interface PlacedRow {
  readonly at: number
  readonly length: number
  readonly row: NameRow | undefined
}

const lineFeed = 0x0a

/** Begins with a line feed: the line before may lack its own. */
export function nameRowText({ name, key }: NameRow): string {
  return `\n${canonicalText({ key: key.toString('base64url'), name, v: 1 })}\n`
}

/** The rows of a file, without blank lines, which stand for erased ones. */
export function* rowsIn(content: Buffer): Generator<PlacedRow> {
  for (let at = 0; at < content.length;) {
    const found = content.indexOf(lineFeed, at)
    const end = found === -1 ? content.length : found
    const line = content.toString('utf8', at, end)
    if (line.trim() !== '') yield { at, length: end - at, row: rowOf(line) }
    at = end + 1
  }
}

function rowOf(line: string): NameRow | undefined {
  try {
    const { key, name, v } = JSON.parse(line) as Partial<Record<'key' | 'name' | 'v', unknown>> // each is looked at
    if (v !== 1 || typeof key !== 'string' || typeof name !== 'string') return undefined
    const bytes = Buffer.from(key, 'base64url')
    return bytes.length === nameKeyBytes ? { name, key: bytes } : undefined
  } catch {
    return undefined
  }
}
