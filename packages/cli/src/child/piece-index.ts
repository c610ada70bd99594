/** A part of a form of a value, of at least four bytes. */
export interface Piece {
  readonly name: string
  readonly bytes: Buffer
}

/** How a piece begins is known by so many bytes: fewer would be met too often, and a number of 32 bits holds no more. */
const keyBytes = 4
/** Spreads keys over a table of 65,536 bytes of eight bits: https://en.wikipedia.org/wiki/Hash_function#Fibonacci_hashing */
const multiplier = 0x9e37_79b1

/** Finds pieces in bytes. Most bytes cost one look into a table: whether a piece may begin with these four. */
export class PieceIndex {
  readonly #table = new Uint8Array(0x1_0000)
  readonly #pieces = new Map<number, Piece[]>()
  /** The first bytes of pieces: one, two and three. */
  readonly #beginnings = new Set<string>()

  add(piece: Piece): void {
    const key = piece.bytes.readInt32BE(0)
    const others = this.#pieces.get(key) ?? []
    if (others.some(({ name, bytes }) => name === piece.name && bytes.equals(piece.bytes))) return
    const hash = hashOf(key)
    this.#table[hash >>> 16] = (this.#table[hash >>> 16] as number) | bitOf(hash) // of 65,536
    this.#pieces.set(key, [...others, piece])
    for (let length = 1; length < keyBytes; length++) this.#beginnings.add(piece.bytes.toString('latin1', 0, length))
  }

  /** Calls `found` for each piece that is there, and for one that the end cuts behind its fourth byte, by where it begins. */
  search(data: Buffer, found: (at: number, piece: Piece) => void): void {
    const table = this.#table
    let key = 0
    for (let end = 0; end < data.length; end++) {
      key = (key << 8) | (data[end] as number) // within its length
      const hash = hashOf(key)
      if (((table[hash >>> 16] as number) & bitOf(hash)) !== 0 && end >= keyBytes - 1) this.#compare(data, end - keyBytes + 1, key, found)
    }
  }

  #compare(data: Buffer, at: number, key: number, found: (at: number, piece: Piece) => void): void {
    for (const piece of this.#pieces.get(key) ?? []) {
      const there = Math.min(piece.bytes.length, data.length - at)
      if (data.compare(piece.bytes, 0, there, at, at + there) === 0) found(at, piece)
    }
  }

  /** Where a piece may begin whose fourth byte is not there yet; the end if nowhere. */
  beginningAtEnd(data: Buffer): number {
    for (let at = Math.max(0, data.length - keyBytes + 1); at < data.length; at++)
      if (this.#beginnings.has(data.toString('latin1', at))) return at
    return data.length
  }
}

function hashOf(key: number): number {
  return Math.imul(key, multiplier)
}

function bitOf(hash: number): number {
  return 1 << ((hash >>> 13) & 7)
}
