import { loadCrypto, ownMemory, SecretsError } from '@finchat/secrets-core/provider'
import { decodedKey, encodedKey, keyBytes, keyTextBytes } from './key-text.ts'

/** Separates uses, so that no two of one key share data. */
type Purpose = 'next' | 'index' | 'segment' | 'seal' | 'checkpoint' | 'folder' | 'successor'

const blockBytes = 64
const digestBytes = 32
const [lineFeed, carriageReturn] = [0x0a, 0x0d]
/** Larger data gets memory of its own. */
const usualBytes = 128 * 1024
const usual = ownMemory(usualBytes)
const outer = ownMemory(blockBytes + digestBytes)

/**
 * A key of a chain, in memory of its own until `wipe`. A `KeyObject` or an `Hmac` of Node.js would
 * keep a copy.
 */
export class ChainKey {
  readonly #bytes = ownMemory(keyBytes)
  #isWiped = false

  /** Moves the bytes, and zeroes the caller's. */
  constructor(bytes: Uint8Array) {
    this.#bytes.set(bytes)
    bytes.fill(0)
  }

  /**
   * HMAC-SHA256 (RFC 2104, FIPS 180-4) over purpose, a zero byte and the data. It is made of two
   * one-shot hashes, which keep nothing of the key.
   */
  mac(purpose: Purpose, ...data: readonly (string | Uint8Array)[]): Buffer {
    if (this.#isWiped) throw new SecretsError('INTERNAL', 'a key of the audit trail was used after it was overwritten')
    const room = data.reduce((sum, part) => sum + 3 * part.length, blockBytes + 16)
    const memory = room <= usualBytes ? usual : ownMemory(room)
    let end = memory.write(`${purpose}\0`, blockBytes) + blockBytes
    for (const part of data) end += typeof part === 'string' ? memory.write(part, end) : (memory.set(part, end), part.length)
    const inner = this.#padded(memory.subarray(0, end), 0x36)
    outer.set(inner, blockBytes)
    inner.fill(0)
    const mac = this.#padded(outer, 0x5c)
    outer.fill(0)
    return mac
  }

  derived(purpose: 'next' | 'index' | 'segment' | 'successor'): ChainKey {
    return new ChainKey(this.mac(purpose))
  }

  /** Becomes the next key of its chain, in place. */
  advance(): void {
    const next = this.mac('next')
    this.#bytes.set(next)
    next.fill(0)
  }

  /** The key `steps` further in its chain; those in between are overwritten. */
  later(steps: number): ChainKey {
    const later = this.#copy()
    for (let step = 0; step < steps; step++) later.advance()
    return later
  }

  equals(other: ChainKey): boolean {
    return loadCrypto().timingSafeEqual(this.#bytes, other.#bytes)
  }

  /** For the caller to overwrite. */
  text(): Buffer {
    return encodedKey(this.#bytes)
  }

  wipe(): void {
    this.#isWiped = true
    this.#bytes.fill(0)
  }

  #copy(): ChainKey {
    const bytes = ownMemory(keyBytes)
    bytes.set(this.#bytes)
    return new ChainKey(bytes)
  }

  #padded(block: Buffer, pad: number): Buffer {
    for (let at = 0; at < blockBytes; at++) block[at] = (this.#bytes[at] ?? 0) ^ pad
    const digest = loadCrypto().hash('sha256', block, 'buffer')
    block.fill(0, 0, blockBytes)
    return digest
  }
}

/**
 * Limits the work that forged numbers cause: some four seconds, and four times the groups of a
 * segment of default size.
 */
export const mostKeysBeyond = 1_000_000

/** One verification's keys: a limit for those of what is not there, and a list to overwrite. */
export class KeyBudget {
  #left = mostKeysBeyond
  readonly #held: ChainKey[] = []

  hold(key: ChainKey): ChainKey {
    this.#held.push(key)
    return key
  }

  wipe(): void {
    for (const key of this.#held.splice(0)) key.wipe()
  }

  take(keys: number): boolean {
    if (keys > this.#left) return false
    this.#left -= keys
    return true
  }
}

/** Compares text, since several texts encode the same bytes. */
export function isMac(expected: Buffer, mac: string): boolean {
  const [text, given] = [Buffer.from(expected.toString('base64url')), Buffer.from(mac)]
  return given.length === text.length && loadCrypto().timingSafeEqual(given, text)
}

export function randomKey(): ChainKey {
  return new ChainKey(loadCrypto().randomFillSync(ownMemory(keyBytes)))
}

/** Derived from the first key, so that a rewritten trail cannot pass for another folder's. */
export function folderIdOf(first: ChainKey): string {
  const hex = first.mac('folder').toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(12, 15)}`, `a${hex.slice(15, 18)}`, hex.slice(18, 30)].join('-')
}

/** Copies the text. Throws `CONFIGURATION` for anything but a key's text. */
export function parsedKey(text: unknown): ChainKey {
  const bytes = text instanceof Uint8Array || typeof text === 'string' ? copyOf(text) : undefined
  const key = bytes && decodedKey(bytes)
  bytes?.fill(0)
  if (key !== undefined) return new ChainKey(key)
  throw new SecretsError('CONFIGURATION', "`key` is not an auditor's key", {
    remedy: 'pass the whole `audit-key:…` that initAuditFolder returned, without whitespace around it',
  })
}

/** A file or a variable may end in a line end. */
function copyOf(text: string | Uint8Array): Buffer | undefined {
  const end = lineEndOf(text)
  if (text.length - end !== keyTextBytes) return undefined
  if (end > 0) return copyOf(typeof text === 'string' ? text.slice(0, -end) : text.subarray(0, -end))
  const copy = ownMemory(keyTextBytes)
  if (typeof text === 'string') copy.write(text) // a character that is none of ours takes two bytes, and none of them is ours
  else copy.set(text)
  return copy
}

function lineEndOf(text: string | Uint8Array): number {
  const codeAt = (at: number): number | undefined => (typeof text === 'string' ? text.charCodeAt(at) : text[at])
  if (text.length <= keyTextBytes || codeAt(text.length - 1) !== lineFeed) return 0
  return codeAt(text.length - 2) === carriageReturn ? 2 : 1
}
