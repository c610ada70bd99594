import { SecretsError } from '../errors/secrets-error.ts'

/**
 * How many bytes of a candidate are hashed until this process holds a longer secret: most stores'
 * limit. Longer secrets leave no trace when they are rotated.
 */
export const usualLength = 1_048_576
/** Longer secrets are not compared, and longer candidates match nothing. */
export const longestCompared: number = 16 * usualLength
/** Shorter content is hashed in a shared buffer. */
const scratchLength = 12_288
const keyLength = 32

/**
 * A random key keeps callers from choosing candidates with similar digests. The time depends only
 * on the candidate's length, up to 1 MiB. Once a longer secret was verified, up to the next power of
 * two above its length.
 */
export class Verification {
  #crypto: typeof import('node:crypto') | undefined
  #scratch: Buffer | undefined
  #dummy: Uint8Array | undefined
  /** A power of two, so that timing does not reveal a secret's length. */
  #longest = usualLength

  /**
   * Digests a stored value; an empty one matches nothing. Throws `UNSUPPORTED` if it is too long.
   */
  readonly digest = (value: Uint8Array): Uint8Array => {
    if (value.length > longestCompared) {
      throw new SecretsError('UNSUPPORTED', `the secret is longer than ${longestCompared} bytes, which verifySecret does not compare`, {
        remedy: 'store a shorter one, or compare a hash of it',
      })
    }
    while (this.#longest < value.length) this.#longest *= 2
    return value.length === 0 ? this.#loaded.randomBytes(32) : this.#hash(value, value.length)
  }

  /**
   * Returns the index of the equal digest, or -1. Every comparison is made, in constant time, also
   * with absent digests. A candidate that is empty, too long or malformed UTF-16 matches nothing.
   */
  match(candidate: string | Uint8Array, digests: readonly (Uint8Array | undefined)[]): number {
    const start = typeof candidate === 'string' ? candidate.slice(0, this.#longest + 1) : candidate.subarray(0, this.#longest + 1)
    const length = Buffer.byteLength(start)
    const presented = this.#hash(start, length)
    const isEligible = length > 0 && length <= this.#longest && (typeof start !== 'string' || start.isWellFormed())
    const { timingSafeEqual } = this.#loaded
    const equal = digests.map((digest) => timingSafeEqual(presented, digest ?? this.#unmatchable()) && digest !== undefined)
    return isEligible ? equal.indexOf(true) : -1
  }

  #hash(content: string | Uint8Array, length: number): Uint8Array {
    const hashed = Math.min(length, this.#longest)
    const buffer = this.#bufferFor(hashed)
    if (typeof content === 'string') buffer.write(content, keyLength)
    else buffer.set(content.subarray(0, hashed), keyLength)
    const digest = this.#loaded.hash('sha256', buffer.subarray(0, keyLength + hashed), 'buffer')
    buffer.fill(0, keyLength, keyLength + hashed)
    return digest
  }

  #bufferFor(length: number): Buffer {
    const scratch = (this.#scratch ??= this.#newScratch())
    if (length <= scratchLength) return scratch
    const buffer = Buffer.allocUnsafeSlow(keyLength + length)
    scratch.copy(buffer, 0, 0, keyLength)
    return buffer
  }

  #unmatchable(): Uint8Array {
    return (this.#dummy ??= this.#loaded.randomBytes(32))
  }

  #newScratch(): Buffer {
    const scratch = Buffer.allocUnsafeSlow(keyLength + scratchLength)
    this.#loaded.randomFillSync(scratch, 0, keyLength)
    return scratch
  }

  /** Loaded lazily. */
  get #loaded(): typeof import('node:crypto') {
    return (this.#crypto ??= process.getBuiltinModule('node:crypto'))
  }
}
