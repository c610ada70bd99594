import { createHmac, createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import { formsOf, leastBytes } from '../forms/forms.ts'
import type { Form } from '../forms/written-form.ts'

/** A secret whose value is looked for. */
export interface SoughtSecret {
  readonly name: string
  /** A former version; `undefined` for the current one. */
  readonly version?: number | 'previous' | undefined
  /** It is a key, token or password of the configuration. */
  readonly isCredential?: true | undefined
}

/** A value that was found, by the secret that has it. */
export interface Match extends SoughtSecret {
  readonly form: Form
  /** Where it begins in the bytes. */
  readonly at: number
}

/** What is kept of one form of a value. */
interface Needle extends SoughtSecret {
  readonly form: Form
  readonly length: number
  readonly hash: number
  /** The multiplier to the power of `length`. */
  readonly power: number
  readonly digest: Buffer
}

/**
 * Finds values without keeping them: by a rolling hash, and an HMAC that confirms it. Multiplier and
 * key are random, so that nothing of it can be looked up elsewhere.
 */
export class ValueMatcher {
  readonly #key: KeyObject = createSecretKey(randomBytes(32))
  readonly #multiplier: number = (randomBytes(4).readUInt32LE() | 5) >>> 0
  readonly #needles = new Map<number, Needle[]>()
  /** Whether a needle's first bytes may have a hash with these upper 16 bits. */
  readonly #isPossible: Uint8Array = new Uint8Array(0x1_0000)
  readonly #firstPower: number = this.#power(leastBytes)
  #hashes: Uint32Array = new Uint32Array(0)
  #longest: number = leastBytes

  /** The most bytes of a form. */
  get longest(): number {
    return this.#longest
  }

  /** Returns false for a value that is too short. */
  add(secret: SoughtSecret, value: Uint8Array): boolean {
    if (value.length < leastBytes) return false
    for (const { form, bytes } of formsOf(value)) {
      this.#addForm({ ...secret, form }, bytes)
      bytes.fill(0)
    }
    return true
  }

  #addForm(sought: SoughtSecret & { readonly form: Form }, bytes: Buffer): void {
    const first = this.#hashOf(bytes.subarray(0, leastBytes))
    const { length } = bytes
    const needle = { ...sought, length, hash: this.#hashOf(bytes), power: this.#power(length), digest: this.#digest(bytes) }
    this.#needles.set(first, [...(this.#needles.get(first) ?? []), needle])
    this.#isPossible[first >>> 16] = 1
    this.#longest = Math.max(this.#longest, length)
  }

  /** The values that begin before `end` and are whole. */
  find(bytes: Buffer, end: number = bytes.length): Match[] {
    const hashes = this.#prefixHashes(bytes)
    const matches: Match[] = []
    const last = Math.min(end, bytes.length - leastBytes + 1)
    for (let at = 0; at < last; at++) {
      const first = this.#between(hashes, at, leastBytes, this.#firstPower)
      if (this.#isPossible[first >>> 16] === 1) matches.push(...this.#confirmed(bytes, hashes, at, first))
    }
    return matches
  }

  #confirmed(bytes: Buffer, hashes: Uint32Array, at: number, first: number): Match[] {
    const likely = (this.#needles.get(first) ?? []).filter(
      ({ length, hash, power }) => at + length <= bytes.length && this.#between(hashes, at, length, power) === hash,
    )
    return likely
      .filter(({ length, digest }) => this.#digest(bytes.subarray(at, at + length)).equals(digest))
      .map(({ name, version, isCredential, form }) => ({ name, version, isCredential, form, at }))
  }

  /** The hash of each beginning of the bytes. */
  #prefixHashes(bytes: Buffer): Uint32Array {
    if (this.#hashes.length <= bytes.length) this.#hashes = new Uint32Array(bytes.length + 1)
    const hashes = this.#hashes
    for (let index = 0, hash = 0; index < bytes.length; index++) {
      hash = (Math.imul(hash, this.#multiplier) + (bytes[index] ?? 0) + 1) >>> 0
      hashes[index + 1] = hash
    }
    return hashes
  }

  #between(hashes: Uint32Array, at: number, length: number, power: number): number {
    return ((hashes[at + length] ?? 0) - Math.imul(hashes[at] ?? 0, power)) >>> 0
  }

  /** Overwrites the hashes of its beginnings: each differs from the next by one byte of the value. */
  #hashOf(bytes: Buffer): number {
    const hashes = this.#prefixHashes(bytes)
    const hash = hashes[bytes.length] ?? 0
    hashes.fill(0, 0, bytes.length + 1)
    return hash
  }

  #power(length: number): number {
    return Array.from({ length }).reduce((power: number) => Math.imul(power, this.#multiplier), 1) >>> 0
  }

  #digest(bytes: Buffer): Buffer {
    return createHmac('sha256', this.#key).update(bytes).digest()
  }
}
