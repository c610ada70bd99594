import type { KeyObject } from 'node:crypto'
import { configurationError, loadCrypto } from '@finchat/secrets-core/provider'
import { type EncryptionKey, mac, parseKey } from '@finchat/secrets-core/sealing'

/** Part of every key name and of all associated data. */
export const format = 2

interface RingKey {
  readonly entries: Uint8Array
  /** A `KeyObject`: every read opens a generation, and AES takes 2 µs longer with bytes. */
  readonly generations: KeyObject
  readonly announcements: Uint8Array
  readonly formers: Uint8Array
}

export interface KeyRing {
  /** The first key of the ring. */
  readonly seals: RingKey
  /** All keys of the ring. */
  readonly opens: readonly RingKey[]
  /**
   * The fleet's first key, if it has left the ring: it stays as the index key. Nothing that it opens
   * is served. It tells what a key change left behind from what was altered.
   */
  readonly retired: readonly RingKey[]
  readonly index: Uint8Array
  /** Of digests of former values: the same for the fleet while the ring changes. */
  readonly digests: Uint8Array
}

/** The keys that open a text. */
export type OpeningKeys = Pick<KeyRing, 'opens'>

/** Overwrites the keys that it is given. */
export function deriveKeyRing(ring: readonly [Uint8Array, ...Uint8Array[]], indexRoot: Uint8Array): KeyRing {
  const isRetired = !ring.some((root) => loadCrypto().timingSafeEqual(root, indexRoot))
  const retired = isRetired ? [ringKey(indexRoot)] : []
  const [seals, ...others] = [ringKey(ring[0]), ...ring.slice(1).map(ringKey)] as const
  const [index, digests] = [subkeyOf(indexRoot, 'index'), subkeyOf(indexRoot, 'digests')]
  for (const root of [...ring, indexRoot]) root.fill(0)
  return { seals, opens: [seals, ...others], retired, index, digests }
}

/**
 * Random bytes, not zeros: a running call must not seal under a known key. Node.js overwrites a
 * `KeyObject` when it collects it.
 */
export function overwriteKeyRing({ opens, retired, index, digests }: KeyRing): void {
  const { randomFillSync } = loadCrypto()
  const other = generationsKey(randomFillSync(new Uint8Array(32)))
  for (const key of [...opens, ...retired]) {
    for (const bytes of [key.entries, key.announcements, key.formers]) randomFillSync(bytes)
    Object.assign(key, { generations: other })
  }
  for (const bytes of [index, digests]) randomFillSync(bytes)
}

function ringKey(root: Uint8Array): RingKey {
  const subkey = (purpose: string): Uint8Array => subkeyOf(root, purpose)
  return {
    entries: subkey('entries'),
    generations: generationsKey(subkey('generations')),
    announcements: subkey('announcements'),
    formers: subkey('formers'),
  }
}

function generationsKey(bytes: Uint8Array): KeyObject {
  const key = loadCrypto().createSecretKey(bytes)
  bytes.fill(0)
  return key
}

/**
 * HKDF-SHA256 (RFC 5869) without a salt, by its two HMACs: `hkdfSync` leaves copies of the root in
 * memory.
 */
function subkeyOf(root: Uint8Array, purpose: string): Uint8Array {
  const extracted = mac(new Uint8Array(32), root)
  const subkey = mac(extracted, Buffer.from(`finchat-secrets/cache-keyv/${format}/${purpose}\u0001`))
  extracted.fill(0)
  return subkey
}

/**
 * A copy of a raw key's bytes. Throws `CONFIGURATION` for a passphrase, which the cache server
 * could guess offline.
 */
export function rawKey(key: EncryptionKey): Uint8Array {
  const parsed = parseKey(key)
  if (parsed.kind === 'raw') return parsed.bytes
  throw configurationError(
    'the encryption key is a passphrase, or is damaged',
    'give 32 random bytes or their text; generateKey() makes one, once for the fleet',
  )
}
