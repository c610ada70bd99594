/** A candidate beyond this many bytes matches nothing, and takes as long as one of this size. */
export const longestCandidate = 4_096
const longestInUtf8 = 3 * (longestCandidate + 1)
const keyLength = 32

/**
 * Compares by keyed digests: SHA-256 over a random key of this process and the text, so that nobody outside can choose
 * candidates whose digests agree in their first bytes. What was hashed is wiped from the scratch buffer after each use.
 */
export class Verification {
  #crypto: typeof import('node:crypto') | undefined
  #scratch: Buffer | undefined
  #dummy: Uint8Array | undefined

  /** The digest of a stored value. An empty one, and one that no candidate can be as long as, get a digest that nothing matches. */
  readonly digest = (value: Uint8Array): Uint8Array => {
    return value.length === 0 || value.length > longestCandidate ? this.#loaded.randomBytes(32) : this.#hash(value).digest
  }

  /**
   * Returns the index of the digest that the candidate's equals, or -1. Every comparison is always made, in constant time,
   * also against absent ones. A candidate that is empty, too long or not well-formed UTF-16 equals nothing.
   */
  match(candidate: string | Uint8Array, digests: readonly (Uint8Array | undefined)[]): number {
    const start = candidate.slice(0, longestCandidate + 1)
    const presented = this.#hash(start)
    const isEligible = presented.length > 0 && presented.length <= longestCandidate && (typeof start !== 'string' || start.isWellFormed())
    const { timingSafeEqual } = this.#loaded
    const equal = digests.map((digest) => timingSafeEqual(presented.digest, digest ?? this.#unmatchable()) && digest !== undefined)
    return isEligible ? equal.indexOf(true) : -1
  }

  #hash(content: string | Uint8Array): { readonly digest: Uint8Array; readonly length: number } {
    const scratch = (this.#scratch ??= this.#newScratch())
    const length = typeof content === 'string' ? scratch.write(content, keyLength) : content.length
    if (typeof content !== 'string') scratch.set(content, keyLength)
    const digest = this.#loaded.hash('sha256', scratch.subarray(0, keyLength + Math.min(length, longestCandidate)), 'buffer')
    scratch.fill(0, keyLength, keyLength + length)
    return { digest, length }
  }

  #unmatchable(): Uint8Array {
    return (this.#dummy ??= this.#loaded.randomBytes(32))
  }

  #newScratch(): Buffer {
    const scratch = Buffer.allocUnsafeSlow(keyLength + longestInUtf8)
    this.#loaded.randomFillSync(scratch, 0, keyLength)
    return scratch
  }

  /** Loaded when the first secret is verified. */
  get #loaded(): typeof import('node:crypto') {
    return (this.#crypto ??= process.getBuiltinModule('node:crypto'))
  }
}
