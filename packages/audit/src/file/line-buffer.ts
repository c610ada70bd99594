/** What most batches need. */
const usualBytes = 256 * 1024
/** Memory beyond this is given back after a batch that needed it. */
const mostKeptBytes = 4 * usualBytes

/** Lines on their way to the disk, as bytes: encoded one after the other into memory that the next ones use again. */
export class LineBuffer {
  #memory = Buffer.allocUnsafeSlow(usualBytes)
  #length = 0

  get length(): number {
    return this.#length
  }

  /** Only once the disk has what was in it. */
  clear(): void {
    this.#length = 0
    if (this.#memory.length > mostKeptBytes) this.#memory = Buffer.allocUnsafeSlow(usualBytes)
  }

  add(line: string): void {
    this.#makeRoomFor(3 * line.length + 1) // a UTF-16 unit is at most three bytes of UTF-8
    this.#length += this.#memory.write(line, this.#length)
    this.#memory[this.#length++] = lineFeed
  }

  /** What was added since it was `start` bytes long; good until the next line is added. */
  since(start: number): Buffer {
    return this.#memory.subarray(start, this.#length)
  }

  #makeRoomFor(bytes: number): void {
    if (this.#length + bytes <= this.#memory.length) return
    const larger = Buffer.allocUnsafeSlow(2 * (this.#length + bytes))
    larger.set(this.since(0))
    this.#memory = larger
  }
}

const lineFeed = 0x0a
