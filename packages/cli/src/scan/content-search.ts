import type { Match, ValueMatcher } from './value-matcher.ts'

/** A match, by its place in a content. Lines and columns begin at 1; a column counts bytes. */
export interface PlacedMatch extends Match {
  readonly line: number
  readonly column: number
}

const lineFeed = 10

/** Looks for values in one content of any size, which comes in parts. */
export class ContentSearch {
  readonly #matcher: ValueMatcher
  /** What may hold the beginning of a value. */
  #rest: Buffer = Buffer.alloc(0)
  /** Where the rest begins. */
  #offset = 0
  #line = 1
  #column = 1

  constructor(matcher: ValueMatcher) {
    this.#matcher = matcher
  }

  push(chunk: Buffer): PlacedMatch[] {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    return this.#search(bytes, Math.max(0, bytes.length - this.#matcher.longest + 1))
  }

  end(): PlacedMatch[] {
    return this.#search(this.#rest, this.#rest.length)
  }

  #search(bytes: Buffer, end: number): PlacedMatch[] {
    const matches = this.#matcher.find(bytes, end)
    const placed: PlacedMatch[] = []
    let reached = 0
    for (const match of matches) {
      this.#pass(bytes.subarray(reached, match.at))
      reached = match.at
      placed.push({ ...match, at: this.#offset, line: this.#line, column: this.#column })
    }
    this.#pass(bytes.subarray(reached, end))
    this.#rest = Buffer.from(bytes.subarray(end))
    return placed
  }

  #pass(bytes: Buffer): void {
    this.#offset += bytes.length
    this.#column += bytes.length
    for (let at = bytes.indexOf(lineFeed); at !== -1; at = bytes.indexOf(lineFeed, at + 1)) {
      this.#line++
      this.#column = bytes.length - at
    }
  }
}
