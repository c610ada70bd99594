import type { KeyObject } from 'node:crypto'
import { loadCrypto } from './builtins.ts'

/** The format of all that lies in the store, and of what is authenticated with it. Another format lies elsewhere. */
export const format = 2

/** Derived from one key of the ring: one for each kind of text, so that none stands in for another. */
interface RingKey {
  readonly entries: KeyObject
  readonly generations: KeyObject
  readonly announcements: KeyObject
}

/** The user's keys, as this cache uses them. */
export interface CacheKeys {
  /** Seals what is written: the first of the ring. */
  readonly seals: RingKey
  /** Open what was written: all of the ring. */
  readonly opens: readonly RingKey[]
  /** Hashes the places in the store: the same whatever the ring. */
  readonly index: KeyObject
}

/** The roots are overwritten: what is needed of them is derived. */
export function deriveCacheKeys(ring: readonly [Uint8Array, ...Uint8Array[]], indexRoot: Uint8Array): CacheKeys {
  const [seals, ...others] = [ringKey(ring[0]), ...ring.slice(1).map(ringKey)] as const
  const index = subkeysOf(indexRoot)('index')
  for (const root of [...ring, indexRoot]) root.fill(0)
  return { seals, opens: [seals, ...others], index }
}

/**
 * Puts random keys in the place of these, which then nobody holds. Node.js has no call that overwrites a `KeyObject`: it
 * does so when it collects one.
 */
export function forgetKeys(keys: CacheKeys): void {
  const { randomBytes } = loadCrypto()
  Object.assign(keys, deriveCacheKeys([randomBytes(32)], randomBytes(32)))
}

function ringKey(root: Uint8Array): RingKey {
  const subkey = subkeysOf(root)
  return { entries: subkey('entries'), generations: subkey('generations'), announcements: subkey('announcements') }
}

/**
 * HKDF-SHA256 (RFC 5869), for one purpose each. The root is random, so that it needs no salt. By its two HMACs, since
 * `hkdfSync` leaves copies of the root in memory.
 */
function subkeysOf(root: Uint8Array): (purpose: string) => KeyObject {
  const { createHmac, createSecretKey } = loadCrypto()
  const extracted = createHmac('sha256', new Uint8Array(32)).update(root).digest()
  const key = createSecretKey(extracted)
  extracted.fill(0)
  return (purpose) => {
    const bytes = createHmac('sha256', key).update(`finchat-secrets/cache-keyv/${format}/${purpose}\u0001`).digest()
    const derived = createSecretKey(bytes)
    bytes.fill(0)
    return derived
  }
}
