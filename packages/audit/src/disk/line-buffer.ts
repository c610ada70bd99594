const usualBytes = 256 * 1024
/** Memory beyond this is freed after the batch that needed it. */
const mostKeptBytes = 4 * usualBytes

/** Encodes lines one after the other into memory that is reused. */
export class LineBuffer {
  #memory = Buffer.allocUnsafeSlow(usualBytes)
  #length = 0

  get length(): number {
    return this.#length
  }

  /** To be called once the disk has its content. */
  clear(): void {
    this.#length = 0
    if (this.#memory.length > mostKeptBytes) this.#memory = Buffer.allocUnsafeSlow(usualBytes)
  }

  add(line: string): void {
    this.#makeRoomFor(3 * line.length + 1) // a UTF-16 unit is at most three bytes of UTF-8
    this.#length += this.#memory.write(line, this.#length)
    this.#memory[this.#length++] = lineFeed
  }

  /** What was added behind `start`; valid until the next line is added. */
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
