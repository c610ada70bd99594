import { loadCrypto } from '@finchat/secrets-core/provider'
import { type Field, lengthPrefixed, mac } from '@finchat/secrets-core/sealing'
import type { KeyBytes } from '../keys/key-bytes.ts'
import type { KeyTable } from '../keys/key-table.ts'
import { formatVersion, type StoreHeader } from '../keys/store-header.ts'
import type { RecordRow, VersionRow } from '../sqlite/row-codecs.ts'

/** Each level hashes its own name, so that no level's text passes for another's. */
export interface IndexDigests {
  readonly version: (path: string, row: VersionRow) => Buffer
  /** A node of the version tree, below its root. */
  readonly node: (path: string, level: number, number: number, node: Buffer) => Buffer
  readonly record: (path: string, row: RecordRow) => Buffer
  readonly leaf: (text: Buffer) => Buffer
  readonly bucket: (leafDigests: Buffer) => Buffer
  readonly root: (key: KeyBytes, changes: number, keys: KeyTable, bucketDigests: Buffer) => Buffer
}

/** The file holds everything that is hashed; the HMAC (RFC 2104) at the root authenticates it. */
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

/** Beginnings of the root's text, cached per key table. */
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
