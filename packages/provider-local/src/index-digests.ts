import type { KeyObject } from 'node:crypto'
import { loadCrypto } from './builtins.ts'
import type { WrappedKey } from './keyring.ts'
import { lengthPrefixed } from './length-prefixed.ts'
import type { RecordRows } from './record-facts.ts'
import { formatVersion, type StoreHeader } from './store-header.ts'

/** Of a digest (SHA-256) and of the root's MAC (HMAC-SHA256) alike. */
export const digestLength = 32

export const bucketCount = 64
export const leavesPerBucket = 64

/** The leaf that a secret belongs to, of 4,096 by its path's hash: one change hashes a few KiB anew, however many secrets there are. */
export function leafOf(path: string): number {
  return Number.parseInt(loadCrypto().hash('sha256', path, 'hex').slice(0, 3), 16)
}

export function bucketOf(leaf: number): number {
  return Math.floor(leaf / leavesPerBucket)
}

/** One digest among many that stand one after the other. */
export function digestAt(digests: Buffer, at: number): Buffer {
  return digests.subarray(at * digestLength, (at + 1) * digestLength)
}

/** The levels of the index; each text says which level it is, so that none can stand for another. */
export interface IndexDigests {
  readonly record: (path: string, rows: RecordRows) => Buffer
  readonly leaf: (text: Buffer) => Buffer
  readonly bucket: (leafDigests: Buffer) => Buffer
  readonly root: (key: KeyObject, changes: number, keys: readonly WrappedKey[], bucketDigests: Buffer) => Buffer
}

/**
 * SHA-256 all the way up, and at the root HMAC-SHA256 (RFC 2104) under the index's key: what is hashed stands in the file for everybody to
 * read, and the root's MAC vouches for all of it.
 */
export function indexDigests(header: StoreHeader): IndexDigests {
  const { hash, createHmac } = loadCrypto()
  const begin = (level: string): Buffer => lengthPrefixed([`finchat-secrets/local/${level}`, formatVersion, header.storeId])
  const [secret, leaf, bucket] = [begin('secret'), begin('leaf'), begin('bucket')]
  const sha256 = (...parts: Buffer[]): Buffer => hash('sha256', Buffer.concat(parts), 'buffer')
  const beginRoot = rootBeginnings(begin('root'), header)
  return {
    record: (path, { facts, versions }) =>
      sha256(secret, lengthPrefixed([path, facts, ...versions.flatMap((each) => [each.version, each.facts, each.seal])])),
    leaf: (text) => sha256(leaf, text),
    bucket: (leafDigests) => sha256(bucket, leafDigests),
    root: (key, changes, keys, bucketDigests) => {
      const text = Buffer.concat([beginRoot(keys), lengthPrefixed([changes]), bucketDigests])
      return createHmac('sha256', key).update(text).digest()
    },
  }
}

/** What comes first in the root's text, made once for each set of keys. */
function rootBeginnings(begin: Buffer, { salt, scrypt }: StoreHeader): (keys: readonly WrappedKey[]) => Buffer {
  const made = new WeakMap<readonly WrappedKey[], Buffer>()
  return (keys) => {
    const wrapped = keys.flatMap((each) => [each.keyId, each.wrapped])
    const text = made.get(keys) ?? Buffer.concat([begin, lengthPrefixed([salt, scrypt.log2N, scrypt.r, scrypt.p, keys.length, ...wrapped])])
    made.set(keys, text)
    return text
  }
}
