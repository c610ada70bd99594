/**
 * A token as bytes outside the V8 heap, which no heap snapshot shows and which can be overwritten.
 * Each request makes a string of it, which lives until it is collected.
 */
export class TokenBytes {
  // Other buffers of up to 64 bytes lie on the heap.
  readonly #bytes: Buffer
  #isWiped = false

  constructor(text: string) {
    this.#bytes = Buffer.from(new ArrayBuffer(Buffer.byteLength(text)))
    this.#bytes.write(text)
  }

  /** Throws once wiped: zeros are no token. */
  text(): string {
    if (this.#isWiped) throw new TypeError('the text was wiped')
    return this.#bytes.toString()
  }

  is(text: string): boolean {
    return !this.#isWiped && this.#bytes.length === Buffer.byteLength(text) && this.text() === text
  }

  wipe(): void {
    this.#isWiped = true
    this.#bytes.fill(0)
  }
}
