/**
 * A token as bytes of its own outside the V8 heap, where no heap snapshot shows it and zeros can be
 * written over it. Whoever sends it makes a string of it, which lives until it is collected.
 */
export class TokenBytes {
  // Typed arrays and `allocUnsafeSlow` take up to 64 bytes from the heap.
  readonly #bytes: Buffer
  #isWiped = false

  constructor(text: string) {
    this.#bytes = Buffer.from(new ArrayBuffer(Buffer.byteLength(text)))
    this.#bytes.write(text)
  }

  /** Throws once it was wiped: zeros are no token. */
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
