import type { KeyObject } from 'node:crypto'
import { loadCrypto } from './builtins.ts'

/** The format of all that lies in the store, and of what is authenticated with it. Another format lies elsewhere. */
export const format = 1

/** The user's keys, as this cache uses them. */
export interface CacheKeys {
  /** Seals what is written: the first of the ring. */
  readonly seals: KeyObject
  /** Open what was written: all of the ring. */
  readonly opens: readonly KeyObject[]
  /** Hashes the places in the store: the same whatever the ring. */
  readonly index: KeyObject
}

/** The roots are overwritten: what is needed of them is derived. */
export function deriveCacheKeys(ring: readonly [Buffer, ...Buffer[]], indexRoot: Buffer): CacheKeys {
  const [seals, ...others] = [subkey(ring[0], 'entries'), ...ring.slice(1).map((root) => subkey(root, 'entries'))] as const
  const index = subkey(indexRoot, 'index')
  for (const root of [...ring, indexRoot]) root.fill(0)
  return { seals, opens: [seals, ...others], index }
}

/** HKDF-SHA256 (RFC 5869) for one purpose. The root is random, so that it needs no salt. */
function subkey(root: Buffer, purpose: string): KeyObject {
  const { createSecretKey, hkdfSync } = loadCrypto()
  const bytes = Buffer.from(hkdfSync('sha256', root, '', `finchat-secrets/cache-keyv/${format}/${purpose}`, 32))
  const key = createSecretKey(bytes)
  bytes.fill(0)
  return key
}
