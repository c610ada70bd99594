import type { KeyObject } from 'node:crypto'
import { SecretsError } from '@finchat/secrets-core'
import { type EncryptionKey, mac, parseKey } from '@finchat/secrets-core/sealing'

/** The format of all that lies in the store, and of what is authenticated with it. Another format lies elsewhere. */
export const format = 2

/** Derived from one key of the ring: one for each kind of text, so that none stands in for another. */
interface RingKey {
  readonly entries: Uint8Array
  /** Every read opens a generation, and AES takes two microseconds longer with bytes. */
  readonly generations: KeyObject
  readonly announcements: Uint8Array
}

/** The user's keys, as this cache uses them. */
export interface CacheKeys {
  /** Seals what is written: the first of the ring. */
  readonly seals: RingKey
  /** Open what was written: all of the ring. */
  readonly opens: readonly RingKey[]
  /** Hashes the places in the store: the same whatever the ring. */
  readonly index: Uint8Array
}

/** The roots are overwritten: what is needed of them is derived. */
export function deriveCacheKeys(ring: readonly [Uint8Array, ...Uint8Array[]], indexRoot: Uint8Array): CacheKeys {
  const [seals, ...others] = [ringKey(ring[0]), ...ring.slice(1).map(ringKey)] as const
  const index = subkeyOf(indexRoot, 'index')
  for (const root of [...ring, indexRoot]) root.fill(0)
  return { seals, opens: [seals, ...others], index }
}

/**
 * Overwrites these keys with random bytes, which nobody else ever has: what still runs must not seal under a key that
 * everybody knows. Node.js overwrites a `KeyObject` when it collects it.
 */
export function forgetKeys({ opens, index }: CacheKeys): void {
  const { randomFillSync } = loadCrypto()
  const other = generationsKey(randomFillSync(new Uint8Array(32)))
  for (const key of opens) {
    for (const bytes of [key.entries, key.announcements]) randomFillSync(bytes)
    Object.assign(key, { generations: other })
  }
  randomFillSync(index)
}

function ringKey(root: Uint8Array): RingKey {
  const subkey = (purpose: string): Uint8Array => subkeyOf(root, purpose)
  return { entries: subkey('entries'), generations: generationsKey(subkey('generations')), announcements: subkey('announcements') }
}

/** Takes the bytes over. */
function generationsKey(bytes: Uint8Array): KeyObject {
  const key = loadCrypto().createSecretKey(bytes)
  bytes.fill(0)
  return key
}

/**
 * HKDF-SHA256 (RFC 5869), for one purpose. The root is random, so that it needs no salt. By its HMACs, since `hkdfSync`
 * leaves copies of the root in memory.
 */
function subkeyOf(root: Uint8Array, purpose: string): Uint8Array {
  const extracted = mac(new Uint8Array(32), root)
  const subkey = mac(extracted, Buffer.from(`finchat-secrets/cache-keyv/${format}/${purpose}\u0001`))
  extracted.fill(0)
  return subkey
}

/**
 * The bytes of a raw key, in memory of their own. Throws `CONFIGURATION` for all else, without ever quoting the key. A
 * passphrase is no key here: the cache server has all the time of the world to guess it, and a salt has no place there.
 */
export function rawKey(key: EncryptionKey): Uint8Array {
  const parsed = parseKey(key)
  if (parsed.kind === 'raw') return parsed.bytes
  throw new SecretsError('CONFIGURATION', 'the encryption key is a passphrase, or is damaged', {
    remedy: 'give 32 random bytes or their text; generateKey() makes one, once for the fleet',
  })
}

/** Loaded when first needed, so that importing this package costs nothing; what Node has loaded once is only looked up. */
export function loadCrypto(): typeof import('node:crypto') {
  // An older Node.js has no `getBuiltinModule`, which its types do not know.
  if (typeof process.getBuiltinModule === 'function') return process.getBuiltinModule('node:crypto')
  throw new SecretsError('CONFIGURATION', `the shared cache needs Node.js 22.19 or later; this is ${process.version}`)
}
