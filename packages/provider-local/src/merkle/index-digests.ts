import { type Field, lengthPrefixed, mac } from '@finchat/secrets-core/sealing'
import { loadCrypto } from '../shared/builtins.ts'
import type { KeyBytes } from '../keys/key-bytes.ts'
import type { KeyTable } from '../keys/keyring.ts'
import type { RecordRow, VersionRow } from '../sqlite/row-codecs.ts'
import { formatVersion, type StoreHeader } from '../keys/store-header.ts'

/** The levels of the index; each text says which level it is, so that none can stand for another. */
export interface IndexDigests {
  readonly version: (path: string, row: VersionRow) => Buffer
  /** A node of the secret's version tree, below its root. */
  readonly node: (path: string, level: number, number: number, node: Buffer) => Buffer
  readonly record: (path: string, row: RecordRow) => Buffer
  readonly leaf: (text: Buffer) => Buffer
  readonly bucket: (leafDigests: Buffer) => Buffer
  readonly root: (key: KeyBytes, changes: number, keys: KeyTable, bucketDigests: Buffer) => Buffer
}

/**
 * SHA-256 all the way up, and at the root HMAC-SHA256 (RFC 2104) under the index's key: what is hashed stands in the file for everybody to
 * read, and the root's MAC vouches for all of it.
 */
export function indexDigests(header: StoreHeader): IndexDigests {
  const { hash } = loadCrypto()
  const begin = (level: string): readonly Field[] => [`finchat-secrets/local/${level}`, formatVersion, header.storeId]
  const [secret, released, node] = [begin('secret'), begin('version'), begin('node')]
  const [leaf, bucket] = [lengthPrefixed(begin('leaf')), lengthPrefixed(begin('bucket'))]
  const sha256 = (text: Buffer): Buffer => hash('sha256', text, 'buffer')
  const beginRoot = rootBeginnings(begin('root'), header)
  return {
    version: (path, row) => sha256(lengthPrefixed([...released, path, row.version, row.facts, row.seal])),
    node: (path, level, number, text) => sha256(lengthPrefixed([...node, path, level, number, text])),
    record: (path, { facts, root }) => sha256(lengthPrefixed([...secret, path, facts, root])),
    leaf: (text) => sha256(Buffer.concat([leaf, text])),
    bucket: (leafDigests) => sha256(Buffer.concat([bucket, leafDigests])),
    root: (key, changes, keys, bucketDigests) => mac(key.bytes, beginRoot(keys), lengthPrefixed([changes]), bucketDigests),
  }
}

/** What comes first in the root's text, made once for each set of keys. */
function rootBeginnings(begin: readonly Field[], { salt, scrypt }: StoreHeader): (keys: KeyTable) => Buffer {
  const made = new WeakMap<KeyTable, Buffer>()
  const make = ({ wrapped, retired }: KeyTable): Buffer => {
    const rows = wrapped.flatMap((each) => [each.keyId, each.wrapped])
    return lengthPrefixed([...begin, salt, scrypt.log2N, scrypt.r, scrypt.p, wrapped.length, ...rows, retired])
  }
  return (keys) => {
    const text = made.get(keys) ?? make(keys)
    made.set(keys, text)
    return text
  }
}
