import type { KeyObject } from 'node:crypto'
import { loadCrypto } from './builtins.ts'

/** The format of all that lies in the store, and of what is authenticated with it. Another format lies elsewhere. */
export const format = 2

/** Derived from one key of the ring: one for each kind of text, so that none stands in for another. */
export interface RingKey {
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
  const index = subkey(indexRoot, 'index')
  for (const root of [...ring, indexRoot]) root.fill(0)
  return { seals, opens: [seals, ...others], index }
}

function ringKey(root: Uint8Array): RingKey {
  return {
    entries: subkey(root, 'entries'),
    generations: subkey(root, 'generations'),
    announcements: subkey(root, 'announcements'),
  }
}

/** HKDF-SHA256 (RFC 5869) for one purpose. The root is random, so that it needs no salt. */
function subkey(root: Uint8Array, purpose: string): KeyObject {
  const { createSecretKey, hkdfSync } = loadCrypto()
  const bytes = Buffer.from(hkdfSync('sha256', root, '', `finchat-secrets/cache-keyv/${format}/${purpose}`, 32))
  const key = createSecretKey(bytes)
  bytes.fill(0)
  return key
}
